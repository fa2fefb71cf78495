package programs

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	Main(m, map[string]Program{
		"echo": func(ctx context.Context, arguments []string) error {
			for _, argument := range arguments {
				fmt.Println(argument)
			}
			<-ctx.Done()
			return fmt.Errorf("the end of %d arguments", len(arguments))
		},
	})
}

func TestStart(t *testing.T) {
	p := Start(t, Self(t), "echo", "one", "number two")
	p.WantLine("one")
	p.WantLine("number two")
	if got, want := p.End(), "the end of 2 arguments\n"; got != want {
		t.Errorf("at its end, the program prints %q, want %q", got, want)
	}
}

func TestStartWithUnknownProgram(t *testing.T) {
	p := Start(t, Self(t), "absent")
	if got, want := p.End(), `no program "absent"`; !strings.HasPrefix(got, want) {
		t.Errorf("the program prints %q, want %q", got, want)
	}
}

func TestProcessKill(t *testing.T) {
	p := Start(t, Self(t), "echo", "ready")
	p.WantLine("ready")
	p.Kill()
	if got := p.End(); got != "" {
		t.Errorf("a killed program prints %q", got)
	}
}
