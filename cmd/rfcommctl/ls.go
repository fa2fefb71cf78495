package main

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// listOptions are the flags of the commands "ls" and "stat".
type listOptions struct {
	fileLink
	json bool
}

// fileJSONHelp describes a file with --json.
const fileJSONHelp = `With --json, each file is an object with the fields name, path (the name for "get"), type (file, directory or other), size in bytes (of a file, if it is known), mode (an octal text such as "0644") and modified (a time as in RFC 3339, in UTC). Unknown ones are missing. A name that is not UTF-8 has the field bytes, too: its path in Base64.`

// lsCommand returns the command "ls".
func (t *tool) lsCommand() *cobra.Command {
	var o listOptions
	c := &cobra.Command{
		Use:   "ls TARGET [NAME...] [FLAGS]",
		Short: "List the files of a file server",
		Long: `Lists directories of a file server, such as "rfcommctl serve": permissions, size in bytes, time of the last change and name, sorted by name. Without a name, it is the directory that the server offers. The names of directories end in a slash. Unprintable characters are escaped; "get" and "stat" take names in that form, too. On a narrow terminal, permissions and times are left out. Without a service, TARGET means channel 20.

` + fileJSONHelp,
		Example: "\trfcommctl ls 01:23:45:67:89:AB\n\trfcommctl ls \"Front desk\" photos --json",
		Args:    o.fileWords(0, ""),
		RunE: func(c *cobra.Command, words []string) error {
			return t.runList(c, &o, words, (*fileClient).ls)
		},
	}
	c.Flags().BoolVar(&o.json, "json", false, "print a JSON object for each file")
	t.fileFlags(c, &o.fileLink)
	return c
}

// runList calls a function for each name of the command line, or for the directory
// that the server offers.
func (t *tool) runList(c *cobra.Command, o *listOptions, words []string, list func(*fileClient, context.Context, string, listForm) error) error {
	target, names := o.names(c, words)
	if err := o.checkFileLink(c, nil); err != nil {
		return err
	}
	form := listForm{json: o.json, titles: len(names) > 1}
	if len(names) == 0 {
		names = []string{"."}
	}
	return t.askFiles(c.Context(), &o.fileLink, target, func(f *fileClient) error {
		return f.each(names, func(name string) error {
			return f.named(c.Context(), name, func(name string) error {
				err := list(f, c.Context(), name, form)
				form.further = form.further || err == nil
				return err
			})
		})
	})
}

// A listForm is the form in which files are printed.
type listForm struct {
	json    bool
	titles  bool // several directories follow each other
	further bool // not the first one
}

// ls prints the entries of a directory, or a file.
func (f *fileClient) ls(ctx context.Context, name string, form listForm) error {
	client, err := f.open(ctx)
	if err != nil {
		return err
	}
	entries, directory, err := f.entries(ctx, client, name)
	if directory != name {
		form.titles = false
	}
	f.line.clear()
	if err != nil {
		return fileError(err)
	}
	if directory == name {
		f.rememberFiles(ctx, name, entries)
	}
	if form.json {
		return f.t.printFiles(directory, entries)
	}
	var b strings.Builder
	if form.titles {
		if form.further {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:\n", printable(name))
	}
	b.WriteString(listText(entries, f.t.columns))
	_, err = fmt.Fprint(f.t.stdout, b.String())
	return err
}

// entries returns the entries of a directory or, if a name is that of a file, the
// file itself with its name, and its directory.
func (f *fileClient) entries(ctx context.Context, client *filetransfer.Client, name string) (entries []filetransfer.Info, directory string, err error) {
	if name != "." {
		info, err := client.Stat(ctx, name)
		if err != nil {
			return nil, name, err
		}
		if !info.Mode.IsDir() {
			info.Name = strings.TrimRight(name, "/")
			return []filetransfer.Info{info}, path.Dir(name), nil
		}
	}
	entries, err = client.List(ctx, name)
	return entries, name, err
}

// narrow is the width of a terminal for which columns are left out.
const narrow = 60

// listText returns a line for each file. If the terminal is too narrow for the
// lines, permissions and then times are left out.
func listText(entries []filetransfer.Info, width int) string {
	var rows [][]string
	longest := 0 // size
	for _, e := range entries {
		longest = max(longest, len(sizeText(e)))
	}
	for _, e := range entries {
		name := printable(e.Name)
		if e.Mode.IsDir() {
			name += "/"
		}
		rows = append(rows, []string{e.Mode.String(), timeText(e.ModTime), fmt.Sprintf("%*s", longest, sizeText(e)), name})
	}
	omitted := 0
	for ; omitted < 2 && 0 < width && width < narrow && widest(rows, omitted) > width; omitted++ {
	}
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(strings.Join(row[omitted:], "  ") + "\n")
	}
	return b.String()
}

// widest returns the width of the widest row without its first cells.
func widest(rows [][]string, omitted int) (width int) {
	for _, row := range rows {
		width = max(width, columns(strings.Join(row[omitted:], "  ")))
	}
	return width
}

// sizeText returns the size of a file in bytes, or "-".
func sizeText(info filetransfer.Info) string {
	if !info.Mode.IsRegular() || info.Size < 0 {
		return "-"
	}
	return strconv.FormatInt(info.Size, 10)
}

// timeText returns a time in minutes, in the local time zone, or "-".
func timeText(when time.Time) string {
	if when.IsZero() {
		return fmt.Sprintf("%-16s", "-")
	}
	return when.Local().Format("2006-01-02 15:04")
}

// fileJSON is the form of a file with --json.
type fileJSON struct {
	Name     string     `json:"name"`
	Path     string     `json:"path"`
	Bytes    []byte     `json:"bytes,omitempty"` // of a path that is not UTF-8
	Type     string     `json:"type"`
	Size     *int64     `json:"size,omitempty"`
	Mode     string     `json:"mode,omitempty"`
	Modified *time.Time `json:"modified,omitempty"`
}

// printFiles prints a JSON object for each entry of a directory.
func (t *tool) printFiles(directory string, entries []filetransfer.Info) error {
	for _, e := range entries {
		if err := writeJSON(t.stdout, jsonOf(path.Join(directory, path.Base(e.Name)), e)); err != nil {
			return err
		}
	}
	return nil
}

// jsonOf returns the form of a file with --json.
func jsonOf(name string, info filetransfer.Info) fileJSON {
	object := fileJSON{Name: path.Base(name), Path: name, Type: typeOf(info), Mode: fmt.Sprintf("%04o", info.Mode.Perm())}
	if !utf8.ValidString(name) {
		object.Bytes = []byte(name)
	}
	if info.Mode.IsRegular() && info.Size >= 0 {
		object.Size = &info.Size
	}
	if !info.ModTime.IsZero() {
		modified := info.ModTime.UTC()
		object.Modified = &modified
	}
	return object
}

// typeOf returns a word for the type of a file.
func typeOf(info filetransfer.Info) string {
	switch {
	case info.Mode.IsDir():
		return "directory"
	case info.Mode.IsRegular():
		return "file"
	}
	return "other"
}
