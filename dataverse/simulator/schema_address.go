package simulator

import (
	"fmt"
	"slices"
	"strings"
)

// customerAddress gives the columns of the n-th address of an account, a
// contact or a lead. Where a table has a label, a length or choices of its
// own, others has that column; one without a type is a column that the table
// does not have.
func customerAddress(n int, others ...Column) []Column {
	a := addressWords{n: n}
	return a.with(others, []Column{
		a.id(),
		a.choice("AddressTypeCode", "Address Type"),
		a.text("City", "City", 80),
		a.composite(),
		a.text("Country", "Country/Region", 80),
		a.text("County", "County", 50),
		a.text("Fax", "Fax", 50),
		a.choice("FreightTermsCode", "Freight Terms"),
		a.degrees("Latitude", 90),
		a.text("Line1", "Street 1", 250),
		a.text("Line2", "Street 2", 250),
		a.text("Line3", "Street 3", 250),
		a.degrees("Longitude", 180),
		a.text("Name", "Name", 200),
		a.text("PostalCode", "ZIP/Postal Code", 20),
		a.text("PostOfficeBox", "Post Office Box", 20),
		a.text("PrimaryContactName", "Primary Contact Name", 100),
		a.choice("ShippingMethodCode", "Shipping Method"),
		a.text("StateOrProvince", "State/Province", 50),
		a.text("Telephone1", "Telephone 1", 50),
		a.text("Telephone2", "Telephone 2", 50),
		a.text("Telephone3", "Telephone 3", 50),
		a.text("UPSZone", "UPS Zone", 4),
		a.offset(),
	})
}

// officeAddress gives the columns of the n-th address of a business unit or a
// user, whose labels are the names; others as in customerAddress.
func officeAddress(n int, others ...Column) []Column {
	a := addressWords{n: n}
	same := func(name string, maxLength int) Column { return a.text(name, name, maxLength) }
	return a.with(others, []Column{
		a.id(),
		a.choice("AddressTypeCode", "Address Type"),
		same("city", 80),
		a.composite(),
		same("country", 80),
		same("county", 50),
		same("fax", 50),
		a.degrees("Latitude", 90),
		same("line1", 250),
		same("line2", 250),
		same("line3", 250),
		a.degrees("Longitude", 180),
		same("name", 100),
		same("postalcode", 20),
		same("postofficebox", 20),
		a.choice("ShippingMethodCode", "Shipping Method"),
		same("stateorprovince", 50),
		same("telephone1", 50),
		same("telephone2", 50),
		same("telephone3", 50),
		same("upszone", 4),
		a.offset(),
	})
}

// addressWords make columns of the n-th address.
type addressWords struct{ n int }

func (a addressWords) name(s string) string { return fmt.Sprintf("Address%d_%s", a.n, s) }

func (a addressWords) label(s string) string { return fmt.Sprintf("Address %d: %s", a.n, s) }

func (a addressWords) id() Column { return column(a.name("AddressId"), a.label("ID"), UniqueID) }

func (a addressWords) text(name, label string, maxLength int) Column {
	return text(a.name(name), a.label(label), maxLength)
}

func (a addressWords) choice(name, label string) Column {
	return choice(a.name(name), a.label(label), "1 Default Value")
}

func (a addressWords) composite() Column {
	return memo(a.name("Composite"), strings.TrimSuffix(a.label(""), ": "), 1000).ro()
}

func (a addressWords) degrees(name string, most float64) Column {
	return number(a.name(name), a.label(name), Double, -most, most, 5)
}

func (a addressWords) offset() Column {
	return integer(a.name("UTCOffset"), a.label("UTC Offset"), -1500, 1500)
}

func (a addressWords) with(others, columns []Column) []Column {
	for _, other := range others {
		i := slices.IndexFunc(columns, func(c Column) bool { return c.SchemaName == other.SchemaName })
		if other.Type == 0 {
			columns = slices.Delete(columns, i, i+1)
		} else {
			columns[i] = other
		}
	}
	return columns
}

// without names a column that a table does not have.
func without(schema string) Column { return Column{SchemaName: schema} }
