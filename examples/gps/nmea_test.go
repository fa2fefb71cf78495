package main

import (
	"math"
	"strings"
	"testing"
)

// An example with its checksum as a receiver sends it.
const sentence = "$GPGGA,120001,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*48"

func TestParseGGA(t *testing.T) {
	if _, ok := parseGGA(sentence); !ok {
		t.Errorf("%q is refused", sentence)
	}
	for line, want := range map[string]fix{
		"$GPGGA,120001,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47":      {"12:00:01", 48.1173, 11.516667, true, 8},
		"$GNGGA,235959.99,3345.6000,S,07030.0000,W,2,12,0.9,545.4,M,46.9,M,,*47": {"23:59:59", -33.76, -70.5, true, 12},
		"$GPGGA,000000,0000.000,N,00000.000,E,1,04,,,M,,M,,*47":                  {"00:00:00", 0, 0, true, 4},
		"$GPGGA,120001.000,,,,,0,03,,,M,,M,,*47":                                 {"12:00:01", 0, 0, false, 3},
		"$GPGGA,,,,,,0,,,,M,,M,,*47":                                             {"--:--:--", 0, 0, false, 0},
		"$GPGGA,120001,9000.000,N,18000.000,W,1,08,0.9,545.4,M,46.9,M,,*47\r\n":  {"12:00:01", 90, -180, true, 8},
	} {
		got, ok := parseGGA(signed(line))
		if !ok || got.time != want.time || got.known != want.known || got.satellites != want.satellites || !near(got.lat, want.lat) || !near(got.lon, want.lon) {
			t.Errorf("%q is %+v, %v, want %+v", line, got, ok, want)
		}
	}
}

// signed corrects the checksum of a sentence.
func signed(line string) string {
	text, _, _ := strings.Cut(strings.TrimPrefix(line, "$"), "*")
	return "$" + text + "*" + checksum(text)
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 }

func TestParseGGARefuses(t *testing.T) {
	for _, line := range []string{
		"", "$", "*", "$GPGGA", "$GPGGA,,,,,,,*",
		"$GPGGA,120001,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*4A",
		"$GPGGA,120001,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,",
		"07.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47",
		signed("$GPRMC,120001,A,4807.038,N,01131.000,E,022.4,084.4,230326,003.1,W"),
		signed("$GPGGA,120001,4807.038,N,01131.000,E,1"),
		signed("$GPGGA,120001,9000.001,N,01131.000,E,1,08,,,M,,M,,"),
		signed("$GPGGA,120001,4807.038,N,18000.001,E,1,08,,,M,,M,,"),
		signed("$GPGGA,120001,-4807.038,N,01131.000,E,1,08,,,M,,M,,"),
		signed("$GPGGA,120001,nan,N,01131.000,E,1,08,,,M,,M,,"),
		signed("$GPGGA,120001,4807.038,E,01131.000,E,1,08,,,M,,M,,"),
		signed("$GPGGA,120001,,,,,1,08,,,M,,M,,"),
	} {
		if got, ok := parseGGA(line); ok {
			t.Errorf("%q is %+v, want none", line, got)
		}
	}
}

func FuzzParseGGA(f *testing.F) {
	f.Add("$GPGGA,120001,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,")
	f.Add("$GPGGA,,,,,,0,,,,M,,M,,")
	f.Fuzz(func(t *testing.T, line string) {
		parseGGA(line)
		got, ok := parseGGA(signed(line))
		if ok && (!(math.Abs(got.lat) <= 90) || !(math.Abs(got.lon) <= 180)) {
			t.Errorf("%q is %+v", line, got)
		}
		if text := got.String(); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q is printed as %q", line, text)
		}
	})
}
