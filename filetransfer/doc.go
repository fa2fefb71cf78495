// Package filetransfer transfers files over any net.Conn, such as an RFCOMM
// connection. A [Server] offers files and accepts uploads, one client at a
// time. [Client] is its client.
//
//	root, err := os.OpenRoot("Documents")
//	…
//	listener, err := rfcomm.Listen(20)
//	…
//	server := &filetransfer.Server{FS: filetransfer.NewDir(root)}
//	err = server.Serve(listener)
//
// On another machine:
//
//	conn, err := rfcomm.Dial("01:23:45:67:89:AB", 20)
//	…
//	client := filetransfer.NewClient(conn)
//	defer client.Close()
//	info, err := client.Download(ctx, "notes.txt", "notes.txt")
//
// By default, a server changes no file: it refuses uploads unless Uploads is
// set, and to replace a file unless Replace is set. Files and directories whose
// names begin with a dot are hidden unless Hidden is set.
//
// A server accepts two dialects on the same channel. The client's first byte
// selects one: NUL selects the framed dialect, any other byte the plain one.
// [Client] uses the framed dialect unless Client.Plain is set.
//
// # The plain dialect
//
// The plain dialect is byte for byte that of a well-known RFCOMM tutorial.
// Peers in any language that follow the tutorial work with this package.
//
//   - The server sends "Enter the file name", without a line end. A client that
//     waits for its turn receives nothing before.
//   - The client sends a name. The name ends at a line end, after 2,048 bytes,
//     or at a silence: when 300 ms pass without another byte and the server has
//     a file of that name, or when 2 s more have passed. A byte that arrives
//     before the content continues the name.
//   - The server sends the content of the file and then "Transfer complete",
//     the end mark, and closes the connection.
//   - If the server cannot send the file, it sends "Error: " and one line
//     instead and closes the connection. If it fails in the middle of the
//     content, or if more of a name arrives then, it only closes the connection,
//     because a line would look like content.
//   - If too many clients wait for their turn, the server sends the line "Error:
//     server is busy; try again later" instead of the prompt and closes the
//     connection.
//
// A transfer is complete when the end mark is followed by the end of the stream
// or by 2 s of silence. A stream that ends without the mark was cut.
//
// The dialect has three weaknesses: a file that contains the words of the mark
// cannot always be distinguished from one that was cut there; corrupt content
// is not detected; and a cut transfer has to restart from the beginning. The
// framed dialect has none of them.
//
// # The framed dialect
//
// The client sends requests, one after the other, and the first one without
// waiting for the prompt. The stream from the server begins with the prompt,
// unless the client had to wait for its turn.
//
// Both sides send blocks, which look like the header of a mail: a first line,
// fields, and an empty line, with CR LF as line ends. The first line of a block
// is "filetransfer/1", the dialect and its version, and a word. The last field
// may be CRC-32, the checksum (IEEE, eight hexadecimal digits) of all bytes of
// the block before its own line. A sender may omit it; a receiver verifies it if
// it is there. This package sends it. A block has at most 16,384 bytes and 64
// fields. Unknown fields are ignored. No field occurs twice.
//
// A request is a NUL byte, which no file name contains, and a block. Its word
// is the method:
//
//	stat   describes a file or directory
//	list   lists a directory
//	get    sends a file
//	put    stores a file
//	wait   has no answer; it only announces that a request will follow
//
// Its fields are
//
//	Name      the path, with slashes; any byte may be written as %XX, as in a URL
//	Offset    get: the position to begin at, if not 0
//	SHA-256   get: with Offset, the checksum of the bytes before it
//	Length    get: the number of bytes to send, instead of all
//	Replace   put: "yes" to replace an existing file
//	Parents   put: "yes" to create the missing directories of the name
//	Resume    put: "yes" to learn how much of the file the server already has
//
// and for put those of a file:
//
//	Size      in bytes, or "unknown"
//	Modified  the modification time in UTC, as in RFC 3339, in the years 0 to 9999
//	Mode      the permission bits, in octal
//	Type      "directory" for a directory, or "other"; files have no Type
//
// The server answers a stat with "ok" and the fields of the file. It answers a
// list with "ok", then one "entry" with name and fields per file, in any order,
// and then an "end" whose field Entries is their number.
//
// It answers a get with "ok" and the fields of the file, followed by the
// content from the offset on. The client answers with "ok" when it has stored
// the file, or with an error. If the file is shorter than the offset, or its
// bytes before the offset do not have the checksum of the request, the server
// answers "changed", and the client repeats the request without an offset. A
// get with a Length asks for a range: the content, and the checksum after it,
// are those of at most Length bytes from the offset on, and the request has no
// checksum.
//
// It answers a put with "ready". If the client wants to resume and the server
// has part of the file, the answer has the Offset and SHA-256 of that part. The
// client answers "from", with the same fields to resume there, or without them
// to begin at 0, and then sends the content. The server answers with "ok" and
// the SHA-256 of the stored file, or with an error, which may arrive before the
// content has ended.
//
// If the client wants to resume and the server has a complete file of that name
// and size, "ready" has its Offset, which is its size, its SHA-256, and the
// field Present: yes. A client whose file is the same answers "from" with Offset
// and SHA-256 and sends no content. Otherwise it answers with the error "exist"
// or, if "ready" also has Replace: yes, begins at 0. If the client does not want
// to resume, the server compares the content with its file, and answers "exist"
// at the first difference. An "ok" with Present: yes means that the file was
// there already.
//
// Content is sent in chunks of at most 32,768 bytes: the length in hexadecimal
// without leading zeros, CR LF, the bytes, CR LF. The length 0 and CR LF end
// the content. The block "end" follows, with the SHA-256 of the whole file,
// including the bytes before the offset. If the rest of the content cannot be
// sent, an error follows instead. An empty line between
// chunks only announces that more content will follow.
//
// A side that keeps its peer waiting, because it first reads the bytes before
// an offset, has no room yet for received content, or writes to its disk, sends a
// "wait" block from time to time.
//
// While a client waits for its turn, the server answers its first request with
// "busy" blocks, one within 250 ms and then one every few seconds. Their field
// Ahead is the number of clients that are served first. The answer follows when
// it is the client's turn. A "busy" without Ahead is an error like the others.
//
// Answers that report an error have a Message for people. Their words are
// listed below; later versions may add more.
//
//	not-exist    the file or directory does not exist
//	exist        another file of that name exists and must not be replaced
//	permission   the file may not be read or written
//	invalid      the name is invalid, or is that of a directory instead of a file
//	too-large    the file is larger than the server allows
//	changed      the file differs from before, or changed during the transfer
//	refused      the server does not offer this operation
//	corrupt      a checksum is wrong, or a message is malformed
//	incomplete   the sender had less content than it announced
//	no-space     the disk is full
//	timeout      the request did not arrive in time
//	busy         the server cannot serve the request now
//	unsupported  the method or the version is unknown
//	closing      the server is closing
//	failed       any other error
//
// After a malformed message, a timeout or "closing", the server closes the
// connection. A peer that supports a later version must begin with version 1.
// It can find out from the fields of the answers what else the server supports.
//
// # An exchange
//
// A client fetches a file and then resumes an upload of which the server has
// the first 8 bytes. C is the client, S the server. The lines of one message
// are joined, as Go writes them in a string.
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
