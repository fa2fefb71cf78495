package main

import "testing"

func TestColumnsOfText(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "Grüße": 5, "e\u0301": 1, "写真": 4, "ｶﾞ": 2, "한글": 4, "🙂": 2, "👩\u200d🚀": 2, "🇩🇪": 2, "…": 1, "±é": 2} {
		if got := columns(text); got != want {
			t.Errorf("%q has %d columns, want %d", text, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"photo.jpg", 9, "photo.jpg"}, {"photo.jpg", 8, "phot…jpg"}, {"photo.jpg", 2, "p…"}, {"photo.jpg", 1, "…"},
		{"写真の写真.jpg", 13, "写真の写….jpg"}, {"写真", 3, "写…"},
		{"e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301…e\u0301"}, {"👩\u200d🚀👩\u200d🚀.jpg", 6, "👩\u200d🚀👩\u200d🚀…g"},
	} {
		if got := shorten(tt.text, tt.width); got != tt.want || columns(got) > tt.width {
			t.Errorf("%q in %d columns: %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}
