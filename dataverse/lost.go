package dataverse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// A lostError is why an attempt got no answer, in words of ours: those of
// net/http quote what was received, and so could a value. The cause stays for
// [errors.Is] and [errors.As].
type lostError struct {
	text  string
	cause error
}

func (e *lostError) Error() string { return e.text }
func (e *lostError) Unwrap() error { return e.cause }

// lost makes it of an error of the transport. Those of this package are as they
// are.
func lost(err error) error {
	for _, own := range []error{ErrReadOnly, ErrForeign, ErrTooLarge, errTimeout} {
		if errors.Is(err, own) {
			return err
		}
	}
	return &lostError{lossText(err), err}
}

func lossText(err error) string {
	var (
		op          *net.OpError
		dns         *net.DNSError
		network     net.Error
		errno       syscall.Errno
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		host        x509.HostnameError
		record      tls.RecordHeaderError
		alert       tls.AlertError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded.Error()
	case errors.As(err, &dns):
		return "the name of the service's host does not resolve"
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &host):
		return "the certificate of the service is not trusted, or is another host's"
	case errors.As(err, &record), errors.As(err, &alert):
		return "no TLS connection came about"
	case errors.As(err, &network) && network.Timeout():
		return "the network took too long"
	case errors.As(err, &errno) && errors.As(err, &op) && op.Op == "dial":
		return "the service cannot be reached: " + errno.Error()
	case errors.As(err, &errno):
		return "the connection broke: " + errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended before the answer was complete"
	case strings.Contains(err.Error(), "invalid header field"): // of the request; net/http has no type for it
		return "the request has a header that HTTP does not allow"
	default:
		return "the connection broke, or the answer was not in the form of HTTP"
	}
}
