package deptest

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// linkText matches the text of a link to a name, as in [Listener.Accept] or
// [context.Context].
var linkText = regexp.MustCompile(`\[\*?[A-Za-z]\w*(\.\w+)*\]`)

// A link in a doc comment that go doc cannot resolve is usually a name that was
// changed or removed.
func TestDocLinksResolve(t *testing.T) {
	links := 0
	for _, p := range listed(t, "linux") {
		if p.Name == "main" || len(p.GoFiles) == 0 {
			continue
		}
		fset, files := token.NewFileSet(), []*ast.File(nil)
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		documented, err := doc.NewFromFiles(fset, files, p.ImportPath)
		if err != nil {
			t.Fatal(err)
		}
		resolved, missing := resolveLinks(documented)
		links += resolved
		for _, text := range missing {
			t.Errorf("%s: nothing is called %s", p.ImportPath, text)
		}
	}
	if links < 20 {
		t.Errorf("found only %d links", links)
	}
}

// resolveLinks returns the number of links in a package's doc comments that
// resolve, and the texts of the others.
func resolveLinks(p *doc.Package) (resolved int, missing []string) {
	for _, text := range comments(p) {
		for _, block := range p.Parser().Parse(text).Content {
			for _, text := range texts(block) {
				switch text := text.(type) {
				case *comment.DocLink:
					resolved++
				case comment.Plain:
					missing = append(missing, linkText.FindAllString(string(text), -1)...)
				}
			}
		}
	}
	return resolved, missing
}

// comments returns the doc comments of a package and its exported names.
func comments(p *doc.Package) []string {
	all := []string{p.Doc}
	values := slices.Concat(p.Consts, p.Vars)
	functions := slices.Clone(p.Funcs)
	for _, t := range p.Types {
		all = append(all, t.Doc)
		values = slices.Concat(values, t.Consts, t.Vars)
		functions = slices.Concat(functions, t.Funcs, t.Methods)
	}
	for _, v := range values {
		all = append(all, v.Doc)
	}
	for _, f := range functions {
		all = append(all, f.Doc)
	}
	return all
}

// texts returns the texts in a block of a doc comment, without code.
func texts(block comment.Block) (all []comment.Text) {
	switch block := block.(type) {
	case *comment.Heading:
		return block.Text
	case *comment.Paragraph:
		return block.Text
	case *comment.List:
		for _, item := range block.Items {
			for _, b := range item.Content {
				all = append(all, texts(b)...)
			}
		}
	}
	return all
}

func TestResolveLinksReportsMissingNames(t *testing.T) {
	const source = `// Package p has [T], [T.M] and [fmt.Println], but:
//
//   - [U], [*T.N] and [other.Name]
//
// And code:
//
//	is [Code]
package p

import "fmt"

// A T is not [0].
type T struct{}

// M calls [fmt.Println], and [T.L].
func (T) M() { fmt.Println() }
`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	p, err := doc.NewFromFiles(fset, []*ast.File{file}, "example.org/p")
	if err != nil {
		t.Fatal(err)
	}
	resolved, missing := resolveLinks(p)
	if want := []string{"[U]", "[*T.N]", "[other.Name]", "[T.L]"}; resolved != 4 || !slices.Equal(missing, want) {
		t.Errorf("%d links resolve, and not %q; want 4, and not %q", resolved, missing, want)
	}
}
