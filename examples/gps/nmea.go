package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// printPositions prints a line for each position.
func printPositions(ctx context.Context) error {
	conn, err := connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	context.AfterFunc(ctx, func() { conn.Close() }) // which ends Scan
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if position, ok := parseGGA(lines.Text()); ok {
			fmt.Println(position)
		}
	}
	return cmp.Or(lines.Err(), errors.New("the receiver has closed the connection"))
}

// A fix is the content of a GGA sentence of NMEA 0183.
type fix struct {
	time       string  // hh:mm:ss in UTC
	lat, lon   float64 // degrees; south and west are negative
	known      bool    // whether there is a position
	satellites int
}

// String returns the fix as a line for people.
func (f fix) String() string {
	if !f.known {
		return fmt.Sprintf("%s UTC: no position, %d satellites", f.time, f.satellites)
	}
	return fmt.Sprintf("%s UTC: %.6f, %.6f, %d satellites", f.time, f.lat, f.lon, f.satellites)
}

// parseGGA parses a line. It returns false if the line is another sentence, is
// damaged, or is the end of a sentence that began before the connection.
func parseGGA(line string) (f fix, ok bool) {
	text, sum, _ := strings.Cut(strings.TrimSpace(line), "*")
	fields := strings.Split(text, ",")
	if len(fields) < 8 || len(fields[0]) != 6 || fields[0][0] != '$' || fields[0][3:] != "GGA" || !strings.EqualFold(sum, checksum(text[1:])) {
		return fix{}, false
	}
	f = fix{time: "--:--:--", known: fields[6] != "0"}
	if clock, err := time.Parse("150405", fields[1]); err == nil {
		f.time = clock.Format(time.TimeOnly)
	}
	f.satellites, _ = strconv.Atoi(fields[7])
	if !f.known {
		return f, true
	}
	var latOK, lonOK bool
	f.lat, latOK = degrees(fields[2], fields[3], "N", "S", 90)
	f.lon, lonOK = degrees(fields[4], fields[5], "E", "W", 180)
	return f, latOK && lonOK
}

// checksum returns the two digits that follow a text between "$" and "*".
func checksum(text string) string {
	var sum byte
	for _, b := range []byte(text) {
		sum ^= b
	}
	return fmt.Sprintf("%02X", sum)
}

// degrees parses degrees and minutes, such as 4807.038 for 48°07.038', in the
// direction plus or minus.
func degrees(text, direction, plus, minus string, most float64) (value float64, ok bool) {
	value, err := strconv.ParseFloat(text, 64)
	whole := math.Floor(value / 100)
	value = whole + (value-100*whole)/60
	ok = err == nil && value >= 0 && value <= most && (direction == plus || direction == minus)
	if direction == minus {
		value = -value
	}
	return value, ok
}
