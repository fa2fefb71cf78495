// Package filetransfer sends and receives files over any net.Conn, such as an
// RFCOMM connection: a server of files that serves one client at a time, and
// its clients.
//
//	root, err := os.OpenRoot(".")
//	…
//	listener, err := rfcomm.Listen(20)
//	…
//	server := &filetransfer.Server{FS: root.FS()}
//	err = server.Serve(listener)
//
// and on another machine
//
//	conn, err := rfcomm.Dial("01:23:45:67:89:AB", 20)
//	…
//	client := filetransfer.NewClient(conn)
//	defer client.Close()
//	info, err := client.Download(ctx, "notes.txt", "notes.txt")
//
// A server speaks two dialects on one channel, and the client's first byte
// chooses. [Fetch] speaks the plain one, [Client] the framed one.
//
// # The plain dialect
//
// It is that of a well-known tutorial on RFCOMM, to the byte, so that peers in
// any language that follow the tutorial work with this package.
//
//   - The server sends "Enter the file name", without a line end.
//   - The client sends a name, which ends at a line end, at 2,048 bytes, or when
//     200 ms pass without more of it.
//   - The server sends the content of the file, then "Transfer complete", and
//     closes the connection.
//   - If the file cannot be sent, the server sends "Error: " and one line
//     instead, and closes. If it fails in the middle of the content, it only
//     closes: a line there would be taken for content.
//
// A client is done at the end of the stream, or when 2 s pass after the end
// mark. A stream that ends otherwise is cut. A file that holds the words of the
// mark cannot always be told from one that was cut there; nothing shows whether
// the bytes are right; and what was cut starts again from the beginning. The
// framed dialect has none of these faults.
//
// # The framed dialect
//
// After the prompt the client sends requests, one after the other. Both sides
// speak in blocks, which look like the head of a mail: a first line, fields, an
// empty line, with CR LF as line ends. The first line of a block is
// "filetransfer/1", the dialect and its version, and a word. The last field,
// CRC-32, is the checksum (IEEE, eight hexadecimal digits) of all bytes of the
// block before its own line. A block has at most 16,384 bytes and 64 fields.
// Fields that are not known are ignored; none occurs twice.
//
// A request begins with a NUL byte, which no file name has, before its block. Its
// word is the method:
//
//	stat   tells about a file or folder
//	list   lists a folder
//	get    sends a file
//	put    stores a file
//	wait   has no answer; it only says that a request will follow
//
// Its fields are
//
//	Name      the path, with slashes; any byte may be written as %XX, as in a URL
//	Offset    get: where to begin, if not at 0
//	SHA-256   get: with Offset, the checksum of what comes before it
//	Replace   put: "yes" to replace an existing file
//	Resume    put: "yes" to be told what the server holds already
//
// and for put those of a file:
//
//	Size      in bytes, or "unknown"
//	Modified  the time of the last change, as in RFC 3339, in UTC
//	Mode      the permission bits, in octal
//	Type      "folder" or "other"; files have none
//
// The server answers a stat with "ok" and the fields of the file; a list with
// "ok", then one "entry" with name and fields for each, in any order, and an
// "end" whose Entries is their number.
//
// To a get it answers "ok" with the fields of the file, and its content follows,
// from the offset on. The client answers with "ok" when it has stored the file,
// or with an error. If the file does not begin with what the client has, the
// answer is "changed", and the client asks again without an offset.
//
// To a put it answers "ready". To a client that wants to resume it tells the
// Offset and SHA-256 of what it holds, if that is anything. The client answers
// "from", with the same fields to go on there, or without them to begin at 0;
// the content follows. The server answers with "ok" and the SHA-256 of what it
// has stored, or with an error, which may come before the content has ended.
//
// Content goes in chunks of at most 32,768 bytes: the length in hexadecimal,
// without leading zeros, CR LF, the bytes, CR LF. The length 0 and CR LF end it.
// The block "end" follows with the SHA-256 of the whole file, what comes before
// the offset included; or an error, if the rest cannot be sent.
//
// Where a side is awaited that first has to read what it holds, or to write to
// its disk, it sends a "wait" now and then.
//
// The answers that are errors have a Message for people. Their words, of which
// there may be more later, are:
//
//	not-exist    there is no such file or folder
//	exist        the file exists, and is not to be replaced
//	permission   it may not be read or written
//	invalid      the name is none, or that of a folder where a file is needed
//	too-large    the file is larger than the server allows
//	changed      the file is not what it was before, or shrank meanwhile
//	refused      the server does not offer this
//	corrupt      a checksum is wrong, or a message is malformed
//	incomplete   the sender had less content than it stated
//	no-space     the disk is full
//	timeout      the request did not come in time
//	unsupported  the method or the version is not known
//	closing      the server is closing
//	failed       anything else
//
// After malformed messages, timeout and closing, the server hangs up. A peer that
// knows a later version has to begin with version 1, and can learn from its
// answers' fields what else there is.
//
// # An exchange
//
// A client fetches a file and then goes on with an upload of which the server
// holds the first 8 bytes. C is the client, S the server; the lines of one
// message are joined, as Go writes them in a string.
//
//	S: "Enter the file name"
//	C: "\x00filetransfer/1 get\r\nName: notes.txt\r\nCRC-32: 4b0c5549\r\n\r\n"
//	S: "filetransfer/1 ok\r\nSize: 12\r\nModified: 2026-11-22T10:00:00Z\r\nMode: 0644\r\nCRC-32: 23d8de65\r\n\r\n"
//	S: "c\r\nhello, world\r\n"
//	S: "0\r\nfiletransfer/1 end\r\nSHA-256: 09ca7e4eaa6e8ae9c7d261167129184883644d07dfba7cbfbc4c8a2e08360d5b\r\nCRC-32: 2f2af878\r\n\r\n"
//	C: "filetransfer/1 ok\r\nCRC-32: 054467a4\r\n\r\n"
//	C: "\x00filetransfer/1 put\r\nName: log.txt\r\nSize: 14\r\nModified: 2026-11-22T10:00:00Z\r\nMode: 0644\r\nResume: yes\r\nCRC-32: bd11581c\r\n\r\n"
//	S: "filetransfer/1 ready\r\nOffset: 8\r\nSHA-256: c3f9c8c283a2b1f2f1896f27a01cbe3cddc0c9d93f752e4639035a0f5b36f6e8\r\nCRC-32: ae1d655b\r\n\r\n"
//	C: "filetransfer/1 from\r\nOffset: 8\r\nSHA-256: c3f9c8c283a2b1f2f1896f27a01cbe3cddc0c9d93f752e4639035a0f5b36f6e8\r\nCRC-32: 023a9cdb\r\n\r\n"
//	C: "6\r\nthree\n\r\n"
//	C: "0\r\nfiletransfer/1 end\r\nSHA-256: b6285c57e8797db5d4c51c80d6f11938afda9b11c6a003549709189e9b4b92a2\r\nCRC-32: c47ff667\r\n\r\n"
//	S: "filetransfer/1 ok\r\nSHA-256: b6285c57e8797db5d4c51c80d6f11938afda9b11c6a003549709189e9b4b92a2\r\nCRC-32: 15507264\r\n\r\n"
package filetransfer
