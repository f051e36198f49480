package simulator

// addFirstRows puts in what every organisation has: the organisation, its root
// business unit, its currency and an administrator. A schema without one of
// these tables gets no such row.
func (s *Server) addFirstRows() {
	admin, unit, currency := mustGUID(AdministratorID), mustGUID(BusinessUnitID), mustGUID(CurrencyID)
	now := instant(s.now().Unix())
	objectID := mustGUID(s.Entra.ObjectID(AdministratorEmail)) // asks the store, so before the transaction
	_ = s.store.write(func(tx *txn) error {
		add := func(table string, id guid, values map[string]any) {
			t := s.schema.Table(table)
			if t == nil {
				return
			}
			d := newDraft(t)
			for _, c := range t.Columns {
				switch c.system {
				case sysCreatedOn, sysModifiedOn:
					d.put(c, now)
				case sysState:
					d.put(c, int64(0))
				case sysStatus:
					d.put(c, int64(1))
				default:
					if c.Default != nil {
						d.put(c, c.defaultValue())
					}
				}
			}
			for name, v := range values {
				c := t.Column(name)
				if name, ok := v.(link); ok {
					v = nil
					if target := s.schema.Table(name.table); target != nil {
						v = ref{target, name.id}
					}
				}
				if c != nil && v != nil {
					d.put(c, v)
				}
			}
			_, _ = tx.insert(t, id, d) // ids are constants, and differ
		}
		add("organization", s.org, map[string]any{"name": "simulator", "basecurrencyid": link{"transactioncurrency", currency}})
		add("transactioncurrency", currency, map[string]any{
			"currencyname": "US Dollar", "isocurrencycode": "USD", "currencysymbol": "$", "currencyprecision": int64(2), "exchangerate": decimal{1, 0},
		})
		add("businessunit", unit, map[string]any{"name": "simulator", "organizationid": link{"organization", s.org}})
		add("systemuser", admin, map[string]any{
			"firstname": "System", "lastname": "Administrator", "fullname": "System Administrator",
			"domainname": AdministratorEmail, "internalemailaddress": AdministratorEmail, "windowsliveid": AdministratorEmail,
			"businessunitid": link{"businessunit", unit}, "organizationid": s.org, "isdisabled": false,
			"azureactivedirectoryobjectid": objectID,
		})
		return nil
	})
}

// AdministratorEmail is the e-mail and user name of the administrator.
const AdministratorEmail = "admin@simulator.example"

// link is a lookup to a table by name.
type link struct {
	table string
	id    guid
}

// defaultValue gives the column's default as the store keeps it.
func (c *Column) defaultValue() any {
	switch v := c.Default.(type) {
	case int:
		switch c.Type {
		case Double:
			return float64(v)
		case Decimal, Money:
			return decimal{int64(v), 0}
		}
		return int64(v)
	case int64:
		return v
	case float64:
		if c.Type == Decimal || c.Type == Money {
			d, _ := parseDecimal(string(appendFloat(nil, v)), c.Precision)
			return d
		}
		return v
	case string, bool, nil:
		return v
	}
	panic("simulator: the default of column " + c.LogicalName + " is no int, float64, string or bool")
}
