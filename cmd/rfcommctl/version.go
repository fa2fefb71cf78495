package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"
)

// version returns the name of the program and its version: that of the module, the
// commit of a build in a repository, and the version and platform of Go. The
// arguments are the results of [debug.ReadBuildInfo].
func version(info *debug.BuildInfo, ok bool) string {
	text := "rfcommctl (unknown version)"
	if ok {
		text = "rfcommctl " + cmp.Or(strings.Trim(info.Main.Version, "()"), "devel") + commit(info)
	}
	return text + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}

// commit returns the commit of a build in a repository, as a text in parentheses,
// or "". A module that was downloaded has none.
func commit(info *debug.BuildInfo) string {
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	switch {
	case revision == "":
		return ""
	case settings["vcs.modified"] == "true":
		return " (commit " + revision + ", modified)"
	}
	return " (commit " + revision + ")"
}
