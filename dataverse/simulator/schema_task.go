package simulator

func taskTable() TableSpec {
	return TableSpec{
		LogicalName: "task", SchemaName: "Task", DisplayName: "Task", DisplayCollectionName: "Tasks",
		EntitySet: "tasks", PrimaryID: "activityid", PrimaryName: "subject",
		ObjectTypeCode: 4212, Ownership: UserOwned, Activity: true, Notes: true,
		Columns: []Column{
			text("Category", "Category", 250),
			column("crmtaskassigneduniqueid", "crmtaskassigneduniqueid", UniqueID),
			integer("ImportSequenceNumber", "ImportSequenceNumber", -2147483648, 2147483647).createOnly(),
			column("OverriddenCreatedOn", "OverriddenCreatedOn", DateTime).createOnly(),
			integer("PercentComplete", "PercentComplete", 0, 100),
			text("Subcategory", "Sub-Category", 250),
			column("subscriptionid", "subscriptionid", UniqueID),
			text("Subject", "Subject", 200).app(),
			memo("Description", "Description", 2000),
			column("ScheduledEnd", "Due Date", DateTime),
			state("StateCode", "Activity Status", "0 Open@2|1 Completed@5|2 Canceled@6").updateOnly(),
			status("StatusCode", "Status Reason", "2 Not Started@0|3 In Progress@0|4 Waiting on someone else@0|7 Deferred@0|5 Completed@1|6 Canceled@2"),
		},
	}
}
