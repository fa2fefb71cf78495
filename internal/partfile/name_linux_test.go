package partfile

import "testing"

func TestCommitAcceptsNamesThatAreNotUTF8(t *testing.T) {
	d := newDirectory(t)
	for _, name := range []string{"caf\xe9.txt", "\xff\xfe/\x80"} {
		d.must(d.root.MkdirAll("\xff\xfe", 0o755))
		f := d.begin(name, false)
		d.write(f, "hello")
		d.must(f.Commit(at))
		if got, err := d.root.ReadFile(name); string(got) != "hello" {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}
