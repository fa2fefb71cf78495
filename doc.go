// Package rfcomm is RFCOMM.
package rfcomm
