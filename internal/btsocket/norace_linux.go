//go:build !race

package btsocket

func raceReceived([]byte) {}
func raceSending([]byte)  {}
