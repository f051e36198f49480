package playbook

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// idNamespace is the namespace of derived ids, in the sense of RFC 9562
// section 5.5: the UUIDv5 of the URL
// "https://github.com/andmoneyaps/engage-playbooks/playbook#ids". It must
// never change: ids of records that exist were derived with it.
var idNamespace = [16]byte{
	0x21, 0xaf, 0x4d, 0xa8, 0x6a, 0xb0, 0x5f, 0xad, 0xa3, 0x00, 0xb3, 0xb1, 0x91, 0x4b, 0xea, 0x13,
}

// derivedID gives the id of the i-th record that a part of a block creates
// for an event: a UUIDv5 over the length-prefixed names, so that one event
// always gives one record the same id, and no two records share one. It is ""
// for an event without id: the service then picks.
func derivedID(event, playbook, block, part string, i int) dataverse.GUID {
	if event == "" {
		return ""
	}
	b := append(make([]byte, 0, 256), idNamespace[:]...)
	for _, s := range [...]string{event, playbook, block, part, strconv.Itoa(i)} {
		b = strconv.AppendInt(b, int64(len(s)), 10)
		b = append(b, ':')
		b = append(b, s...)
	}
	sum := sha1.Sum(b)
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], u[0:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:36], u[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return dataverse.GUID(text[:])
}
