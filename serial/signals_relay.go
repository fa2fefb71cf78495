package serial

// relayed returns the outputs that one side of a relay must have if the other
// side has these inputs. The two sides are joined as by a cable (TS 07.10,
// 5.4.6.3.7):
//
//	peer's signal  RFCOMM  tty of the relay   its port
//	DTR            RTC     DSR             -> DTR
//	RTS            RTR     CTS             -> RTS
//	DSR            RTC     DTR             <- DSR
//	CTS            RTR     RTS             <- CTS
//	RI             IC      none, not sent     RI
//	CD             DV      none, always 1     CD
//
// The peer is thus in the place of a program that opens the port itself, except
// for RI and CD: Linux sends IC as 0 and DV as 1 (rfcomm_tty_tiocmset). RI and
// CD that a peer sends have no counterpart either, because a port of a computer
// has them as inputs.
func relayed(inputs Signals) (outputs Signals) {
	if inputs&DSR != 0 {
		outputs |= DTR
	}
	if inputs&CTS != 0 {
		outputs |= RTS
	}
	return outputs
}
