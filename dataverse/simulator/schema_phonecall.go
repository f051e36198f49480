package simulator

func phonecallTable() TableSpec {
	return TableSpec{
		LogicalName: "phonecall", SchemaName: "PhoneCall", DisplayName: "Phone Call", DisplayCollectionName: "Phone Calls",
		EntitySet: "phonecalls", PrimaryID: "activityid", PrimaryName: "subject",
		ObjectTypeCode: 4210, Ownership: UserOwned, Activity: true, Notes: true,
		Columns: []Column{
			text("Category", "Category", 250),
			boolean("DirectionCode", "Direction", "Incoming", "Outgoing").def(true),
			integer("ImportSequenceNumber", "ImportSequenceNumber", -2147483648, 2147483647).createOnly(),
			column("OverriddenCreatedOn", "OverriddenCreatedOn", DateTime).createOnly(),
			text("PhoneNumber", "Phone Number", 200),
			text("Subcategory", "Sub-Category", 250),
			column("subscriptionid", "subscriptionid", UniqueID),
			text("Subject", "Subject", 200).app(),
			memo("Description", "Description", 2000),
			column("From", "Call From", PartyList),
			column("To", "Call To", PartyList),
			state("StateCode", "Activity Status", "0 Open@1|1 Completed@2|2 Canceled@3").updateOnly(),
			status("StatusCode", "Status Reason", "1 Open@0|2 Made@1|4 Received@1|3 Canceled@2"),
		},
	}
}
