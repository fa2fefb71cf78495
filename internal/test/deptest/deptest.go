// Package deptest checks which packages of the module import which others. Its
// tests hold the rules, with their reasons.
package deptest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Package lists the imports of a package of the module.
type Package struct {
	Path    string
	Imports []string // of the package itself
	Tests   []string // of its tests
}

// A Rule forbids imports. Patterns are those of go list: "..." stands for any
// string, and "x/..." matches x as well. A pattern that begins with "./" is
// relative to the module, and "." is its root. The pattern External matches the
// packages outside of the module and the standard library.
type Rule struct {
	From   []string // the packages that must not import To
	Except []string // packages of From that may

	To     []string
	Beside []string // packages of To that all may import

	Tests    bool // the rule is for the imports of tests, too
	Indirect bool // the rule is for the imports of imports, too

	Reason string
}

// External is the pattern of all packages outside of the module and the
// standard library.
const External = "external"

// Check returns a line for each import that breaks a rule.
func Check(module string, packages []Package, rules []Rule) (broken []string) {
	c := checker{module: module, packages: make(map[string]Package)}
	for _, p := range packages {
		c.packages[p.Path] = p
	}
	for _, r := range rules {
		for _, p := range packages {
			if !c.matches(p.Path, r.From) || c.matches(p.Path, r.Except) {
				continue
			}
			for _, path := range c.imports(p, r) {
				if c.matches(path, r.To) && !c.matches(path, r.Beside) {
					broken = append(broken, fmt.Sprintf("%s imports %s: %s", p.Path, path, r.Reason))
				}
			}
		}
	}
	return broken
}

type checker struct {
	module   string
	packages map[string]Package
}

// imports returns the imports of a package that a rule is for.
func (c *checker) imports(p Package, r Rule) []string {
	imports := slices.Clone(p.Imports)
	if r.Tests {
		imports = append(imports, p.Tests...)
	}
	slices.Sort(imports)
	imports = slices.Compact(imports)
	for i := 0; r.Indirect && i < len(imports); i++ {
		for _, next := range c.packages[imports[i]].Imports {
			if !slices.Contains(imports, next) {
				imports = append(imports, next)
			}
		}
	}
	return imports
}

// matches reports whether a path matches one of the patterns.
func (c *checker) matches(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if pattern == External {
			host, _, _ := strings.Cut(path, "/")
			return strings.Contains(host, ".") && !c.matches(path, []string{"./..."})
		}
		if relative, ok := strings.CutPrefix(pattern, "./"); ok {
			pattern = c.module + "/" + relative
		} else if pattern == "." {
			pattern = c.module
		}
		expression := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\.\.\.`, ".*")
		if before, ok := strings.CutSuffix(expression, "/.*"); ok {
			expression = before + "(/.*)?"
		}
		return regexp.MustCompile("^" + expression + "$").MatchString(path)
	})
}
