// Package inquiry finds Bluetooth devices in range, without a daemon and
// without privileges.
//
//	for device, err := range inquiry.Devices(ctx, nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(device)
//	}
//
// The loop receives each device as soon as the device answers, and again when
// more about it is known, such as its name. To end the inquiry early, leave the
// loop or cancel the context.
//
// Four facts about inquiries are useful to know:
//
//   - Only discoverable devices answer. Most phones are discoverable for two
//     minutes after their user opens the Bluetooth settings. A device that is
//     paired or whose address is known can be dialed without an inquiry.
//   - A device that scans for inquiries at the usual interval may answer only
//     after some seconds, and some devices are missed. An inquiry of about 10 s
//     finds nearly all of them (Core Specification, Volume 2, Part B, section
//     8.4.2).
//   - Devices of Bluetooth 2.1 and later usually send their name with the
//     answer. Others, such as the modules HC-05 and HC-06, are asked for it after
//     the inquiry.
//   - LE devices do not answer, unless they support BR/EDR as well.
//
// A dial of this process from the same adapter, in the body of the loop or in
// another goroutine, stops the inquiry or the request for a name first. The
// inquiry continues after the dial.
//
// The package opens a raw HCI socket, which Linux permits to all users. The
// kernel restricts such a socket to a few harmless commands, among them those of
// inquiries and name requests (hci_sec_filter in net/bluetooth/hci_sock.c). On
// other platforms, the loop receives an error that matches
// [errors.ErrUnsupported].
package inquiry
