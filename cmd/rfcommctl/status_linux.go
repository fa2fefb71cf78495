package main

import "syscall"

// errBadKey is the error of a device that has lost the key of its pairing.
var errBadKey error = syscall.EBADE
