package simulator

func activitypartyTable() TableSpec {
	return TableSpec{
		LogicalName: "activityparty", SchemaName: "ActivityParty", DisplayName: "Activity Party", DisplayCollectionName: "Activity Parties",
		EntitySet: "activityparties", PrimaryID: "activitypartyid", PrimaryName: "",
		ObjectTypeCode: 135, Ownership: NotOwned, NoState: true, NoAudit: true, PrivilegeName: "Activity",
		Columns: []Column{
			column("ActivityPartyId", "ActivityPartyId", UniqueID).sys().createOnly(),
			lookup("ActivityId", "Activity", to("activitypointer", "activityid_activitypointer", "activitypointer_activity_parties").cascade()),
			lookup("OwnerId", "Owner").ro(),
			lookup("PartyId", "Party", to("account", "partyid_account", "account_activity_parties"), to("contact", "partyid_contact", "contact_activity_parties"), to("systemuser", "partyid_systemuser", "system_user_activity_parties"), to("lead", "partyid_lead", "lead_activity_parties"), to("opportunity", "partyid_opportunity", "opportunity_activity_parties"), to("incident", "partyid_incident", "incident_activity_parties"), to("queue", "partyid_queue", "queue_activity_parties"), to("knowledgearticle", "partyid_knowledgearticle", "")),
			lookup("resourcespecid", "resourcespecid"),
			text("AddressUsed", "Address", 320),
			integer("addressusedemailcolumnnumber", "addressusedemailcolumnnumber", -2147483648, 2147483647),
			boolean("DoNotEmail", "Do not allow Emails", "Allow", "Do Not Allow").ro().def(false),
			boolean("DoNotFax", "Do not allow Faxes", "Allow", "Do Not Allow").ro().def(false),
			boolean("DoNotPhone", "Do not allow Phone Calls", "Allow", "Do Not Allow").ro().def(false),
			boolean("DoNotPostalMail", "Do not allow Postal Mails", "Allow", "Do Not Allow").ro().def(false),
			number("Effort", "Effort", Double, 0, 1000000000, 2),
			text("exchangeentryid", "exchangeentryid", 1024),
			choice("InstanceTypeCode", "Appointment Type", "0 Not Recurring|1 Recurring Master|2 Recurring Instance|3 Recurring Exception|4 Recurring Future Exception").ro().def(0),
			boolean("IsPartyDeleted", "Is Party Deleted", "No", "Yes").ro().def(false),
			choice("ParticipationTypeMask", "Participation Type", "1 Sender|2 To Recipient|3 CC Recipient|4 BCC Recipient|5 Required attendee|6 Optional attendee|7 Organizer|8 Regarding|9 Owner|10 Resource|11 Customer|12 Chat Participant").global("activityparty_participationtypemask").sys(),
			column("ScheduledEnd", "Scheduled End", DateTime).ro(),
			column("ScheduledStart", "Scheduled Start", DateTime).ro(),
			column("VersionNumber", "Version Number", BigInt).ro(),
			text("UnresolvedPartyName", "Unresolved Party Name", 200),
		},
	}
}
