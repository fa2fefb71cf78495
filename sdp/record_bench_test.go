package sdp

import "testing"

func BenchmarkRecordAppendBinary(b *testing.B) {
	record := NewSerialPort("Serial Port", 3)
	encoded, err := record.AppendBinary(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(encoded)))
	b.ReportAllocs()
	for b.Loop() {
		if encoded, err = record.AppendBinary(encoded[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseRecord(b *testing.B) {
	encoded, err := NewSerialPort("Serial Port", 3).AppendBinary(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(encoded)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseRecord(encoded); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecordChannel(b *testing.B) {
	record := NewSerialPort("Serial Port", 3)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := record.Channel(); !ok {
			b.Fatal("no channel")
		}
	}
}
