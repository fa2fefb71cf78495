package main

import (
	"cmp"
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// Limits of the list of listed files.
const (
	listedAge   = recentAge // older directories are forgotten
	listedCount = 50        // the oldest of more directories are forgotten
	listedNames = 1000      // names of a directory; further ones are not completed
)

// A listedDirectory is a directory of a file server, as the last ls has seen it.
type listedDirectory struct {
	Server    string    `json:"server"`    // address of the device, or host:port
	Directory string    `json:"directory"` // "." is the one that the server offers
	Names     []string  `json:"names"`     // printable; those of directories end in a slash
	Seen      time.Time `json:"seen"`
}

// A listedFiles is the list of directories that ls has listed, in a file of the
// user's cache directory. Completion reads it instead of asking a server.
type listedFiles struct{ cacheFile }

// directories returns the directories, the one seen last first.
func (l listedFiles) directories() []listedDirectory {
	var listed []listedDirectory
	if json.Unmarshal(l.read(), &listed) != nil {
		return nil
	}
	return l.current(listed)
}

// current returns the directories without those that are too old, too many, or
// seen in the future, and each once.
func (l listedFiles) current(listed []listedDirectory) (current []listedDirectory) {
	now := l.now()
	slices.SortStableFunc(listed, func(a, b listedDirectory) int { return b.Seen.Compare(a.Seen) })
	for _, d := range listed {
		known := slices.ContainsFunc(current, func(other listedDirectory) bool {
			return other.Server == d.Server && other.Directory == d.Directory
		})
		if !known && !d.Seen.After(now) && now.Sub(d.Seen) <= listedAge && len(current) < listedCount {
			d.Names = d.Names[:min(len(d.Names), listedNames)]
			current = append(current, d)
		}
	}
	return current
}

// add adds a directory. The oldest ones make room for it.
func (l listedFiles) add(server, directory string, entries []filetransfer.Info) error {
	added := listedDirectory{Server: server, Directory: printable(path.Clean(directory)), Seen: l.now()}
	for _, e := range entries {
		name := printable(e.Name)
		if e.Mode.IsDir() {
			name += "/"
		}
		added.Names = append(added.Names, name)
	}
	listed := l.current(append(l.directories(), added))
	for len(listed) > 0 {
		text, err := json.Marshal(listed)
		if err == nil && len(text) < cacheSize {
			return l.replace(append(text, '\n'))
		}
		listed = listed[:len(listed)-1]
	}
	return nil // the names of one directory are too long together
}

// names returns the names of a server's files that begin with a text.
func (l listedFiles) names(server, begun string) (names []string) {
	slash := strings.LastIndexByte(begun, '/') + 1
	directory := path.Clean(cmp.Or(begun[:slash], "."))
	for _, d := range l.directories() {
		if d.Server != server || d.Directory != directory {
			continue
		}
		for _, name := range d.Names {
			if name = begun[:slash] + name; strings.HasPrefix(name, begun) && !strings.HasPrefix(name, "-") {
				names = append(names, name)
			}
		}
	}
	return names
}

// rememberFiles adds a directory of a server to the listed ones.
func (f *fileClient) rememberFiles(ctx context.Context, directory string, entries []filetransfer.Info) {
	server := f.t.serverKey(ctx, f.o, f.server)
	if server == "" {
		return
	}
	if err := f.t.listed.add(server, directory, entries); err != nil {
		f.t.detail("cannot remember the names of the files: %v", err)
	}
}

// serverKey returns the name of a target in the list of listed files: the address of
// the device, or host:port. It is empty if no known device has the name.
func (t *tool) serverKey(ctx context.Context, o *fileLink, word string) string {
	if o.tcp != "" {
		return o.tcp
	}
	parsed, err := parseTarget(word)
	device := parsed.device
	if err == nil && device.IsZero() {
		device, _, err = namedTarget(t.knownDevices(ctx), word)
	}
	if err != nil || device.IsZero() {
		return ""
	}
	return device.String()
}

// completeRemote completes names of files of a server from what ls has listed. The
// words are those before the name. It never asks the server.
func (t *tool) completeRemote(c *cobra.Command, o *fileLink, words []string, begun string, which func(name string) bool) ([]string, cobra.ShellCompDirective) {
	target, before := o.names(c, words)
	names := t.listed.names(t.serverKey(c.Context(), o, target), begun)
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(before, name) || !which(name) })
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	if !slices.ContainsFunc(names, isFileName) {
		directive |= cobra.ShellCompDirectiveNoSpace // a name in a directory follows
	}
	return names, directive
}

// Names for completeRemote: those of directories end in a slash.
func anyName(string) bool              { return true }
func isFileName(name string) bool      { return !strings.HasSuffix(name, "/") }
func isDirectoryName(name string) bool { return strings.HasSuffix(name, "/") }
