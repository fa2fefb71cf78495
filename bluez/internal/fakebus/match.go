package fakebus

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

// A rule selects signals. See "Match Rules" in the D-Bus specification.
type rule map[string]string

// parseRule parses a rule such as "type='signal',member='PropertiesChanged'".
func parseRule(text string) (rule, error) {
	r := make(rule)
	for rest := text; rest != ""; {
		key, after, ok := strings.Cut(rest, "=")
		if !ok || !knownKey(key) {
			return nil, fmt.Errorf("unknown key %q in match rule %q", key, text)
		}
		value, next, err := parseValue(after)
		if err != nil {
			return nil, fmt.Errorf("%w in match rule %q", err, text)
		}
		r[key] = value
		rest = next
	}
	return r, nil
}

// parseValue returns a value with its quotes removed, and the text after it.
func parseValue(text string) (value, rest string, err error) {
	quoted := false
	for i, c := range text {
		switch {
		case c == '\'':
			quoted = !quoted
		case c == ',' && !quoted:
			return value, text[i+1:], nil
		default:
			value += string(c)
		}
	}
	if quoted {
		return "", "", fmt.Errorf("unbalanced quotation marks")
	}
	return value, "", nil
}

func knownKey(key string) bool {
	if _, _, ok := argument(key); ok {
		return true
	}
	return slices.Contains([]string{"type", "sender", "interface", "member", "path", "path_namespace", "destination", "eavesdrop"}, key)
}

// argument returns the number and the kind ("", "path", "namespace") of a key such
// as arg0path.
func argument(key string) (n int, kind string, ok bool) {
	rest, ok := strings.CutPrefix(key, "arg")
	if !ok {
		return 0, "", false
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	n, err := strconv.Atoi(rest[:digits])
	kind = rest[digits:]
	return n, kind, err == nil && n >= 0 && n < 64 && slices.Contains([]string{"", "path", "namespace"}, kind)
}

// matches reports whether a rule selects a signal. The owner of a well-known name is
// looked up at that moment. The caller holds the lock of the bus.
func (r rule) matches(b *Bus, m *Message) bool {
	for key, value := range r {
		if !r.matchesKey(b, m, key, value) {
			return false
		}
	}
	return true
}

func (r rule) matchesKey(b *Bus, m *Message, key, value string) bool {
	switch key {
	case "type":
		return value == "signal"
	case "sender":
		if p := b.peer(value); p != nil {
			return m.Sender() == p.name
		}
		return m.Sender() == value
	case "interface":
		return m.Interface() == value
	case "member":
		return m.Member() == value
	case "path":
		return string(m.Path()) == value
	case "path_namespace":
		return within(string(m.Path()), value, "/")
	case "destination":
		return m.Destination() == value
	case "eavesdrop":
		return true
	}
	n, kind, _ := argument(key)
	return n < len(m.Body) && matchesArgument(m.Body[n], kind, value)
}

func matchesArgument(argument any, kind, value string) bool {
	text, isString := argument.(string)
	path, isPath := argument.(dbus.ObjectPath)
	switch kind {
	case "path":
		text += string(path)
		return (isString || isPath) && (text == value || strings.HasSuffix(value, "/") && strings.HasPrefix(text, value) ||
			strings.HasSuffix(text, "/") && strings.HasPrefix(value, text))
	case "namespace":
		return isString && within(text, value, ".")
	}
	return isString && text == value
}

// within reports whether a path or name is a parent or below it.
func within(name, parent, separator string) bool {
	return name == parent || parent == separator || strings.HasPrefix(name, parent+separator)
}

func (b *Bus) addMatch(p *peer, text string) *dbus.Error {
	r, err := parseRule(text)
	if err != nil {
		return newError("org.freedesktop.DBus.Error.MatchRuleInvalid", err.Error())
	}
	p.rules = append(p.rules, r)
	return nil
}

func removeMatch(p *peer, text string) *dbus.Error {
	r, err := parseRule(text)
	if err != nil {
		return newError("org.freedesktop.DBus.Error.MatchRuleInvalid", err.Error())
	}
	i := slices.IndexFunc(p.rules, func(have rule) bool { return maps.Equal(have, r) })
	if i < 0 {
		return newError("org.freedesktop.DBus.Error.MatchRuleNotFound", "The given match rule wasn't found and can't be removed")
	}
	p.rules = slices.Delete(p.rules, i, i+1)
	return nil
}
