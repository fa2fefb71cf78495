package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

func TestPrintableEscapes(t *testing.T) {
	for text, want := range map[string]string{
		"HC-05":           "HC-05",
		"Grüße, 你好 🙂":     "Grüße, 你好 🙂",
		"\x1b[31mred\x07": `\x1b[31mred\x07`,
		"a\nb\tc":         `a\x0ab\x09c`,
		"\u009b1m \u202e": `\u009b1m \u202e`,
		"\xff\xc3 \ufffd": `\xff\xc3 ` + "\ufffd",
		"\U000e0001":      `\U000e0001`,
		`C:\x1b`:          `C:\x1b`,
		"":                "",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestOneLineJoinsLines(t *testing.T) {
	if got := oneLine("a\n\n  b\tc\x1b\r\n"); got != `a b c\x1b` {
		t.Errorf("got %q", got)
	}
}

func TestWriteJSONEscapes(t *testing.T) {
	text := "ä \u009b \u202e \U000e0001 \x1b \u2028"
	var b bytes.Buffer
	if err := writeJSON(&b, text); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), `"ä \u009b \u202e \udb40\udc01 \u001b \u2028"`+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var parsed string
	if err := json.Unmarshal(b.Bytes(), &parsed); err != nil || parsed != text {
		t.Errorf("it parses as %q, %v", parsed, err)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("HC-05\x1b[31m\xff\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		bad := func(r rune) bool { return !unicode.IsPrint(r) }
		if got := printable(text); strings.ContainsFunc(got, bad) {
			t.Errorf("printable(%q) = %q", text, got)
		}
		if got := oneLine(text); strings.ContainsFunc(got, bad) {
			t.Errorf("oneLine(%q) = %q", text, got)
		}
	})
}
