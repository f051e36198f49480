package simulator

func appointmentTable() TableSpec {
	return TableSpec{
		LogicalName: "appointment", SchemaName: "Appointment", DisplayName: "Appointment", DisplayCollectionName: "Appointments",
		EntitySet: "appointments", PrimaryID: "activityid", PrimaryName: "subject",
		ObjectTypeCode: 4201, Ownership: UserOwned, Activity: true, Notes: true,
		Columns: []Column{
			choice("AttachmentErrors", "Attachment Errors", "0 None|1 The appointment was saved as a Microsoft Dynamics 365 appointment record, but not all the attachments could be saved with it. An attachment cannot be saved if it is blocked or if its file type is invalid.").ro().def(0),
			text("Category", "Category", 250),
			text("GlobalObjectId", "GlobalObjectId", 300),
			integer("ImportSequenceNumber", "ImportSequenceNumber", -2147483648, 2147483647).createOnly(),
			boolean("IsAllDayEvent", "All Day Event", "No", "Yes").def(false),
			boolean("IsDraft", "Is Draft", "No", "Yes").def(false),
			integer("isunsafe", "isunsafe", -2147483648, 2147483647),
			text("Location", "Location", 200),
			text("modifiedfieldsmask", "modifiedfieldsmask", 100),
			column("originalstartdate", "originalstartdate", DateTime),
			integer("outlookownerapptid", "outlookownerapptid", -2147483648, 2147483647),
			column("OverriddenCreatedOn", "OverriddenCreatedOn", DateTime).createOnly(),
			text("Subcategory", "Sub-Category", 250),
			column("subscriptionid", "subscriptionid", UniqueID),
			text("Subject", "Subject", 200).app(),
			column("ScheduledStart", "Start Time", DateTime).app(),
			column("ScheduledEnd", "End Time", DateTime).app(),
			integer("AttachmentCount", "Attachment Count", 0, 2147483647).ro(),
			boolean("IsOnlineMeeting", "Teams meeting", "No", "Yes").def(false),
			text("OnlineMeetingId", "Online Meeting ID", 1000),
			text("OnlineMeetingChatId", "Online Meeting Chat ID", 200),
			text("OnlineMeetingJoinUrl", "Online Meeting Join URL", 2000),
			choice("OnlineMeetingType", "Online Meeting Type", "1 Teams Meeting"),
			column("RequiredAttendees", "Required Attendees", PartyList),
			column("OptionalAttendees", "Optional Attendees", PartyList),
			column("Organizer", "Organizer", PartyList),
			state("StateCode", "Status", "0 Open@1|1 Completed@3|2 Canceled@4|3 Scheduled@5").updateOnly(),
			status("StatusCode", "Status Reason", "1 Free@0|2 Tentative@0|3 Completed@1|4 Canceled@2|5 Busy@3|6 Out of Office@3"),
		},
	}
}
