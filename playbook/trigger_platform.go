package playbook

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// platformSchemas are the event types of the platform as JSON Schemas: what is
// not required may be absent or null, unknown members are ignored, and times
// carry an offset.
var platformSchemas = map[string]string{
	"PortalMeetings": `{
		"type": "object", "required": ["Meeting"],
		"properties": {
			"Meeting": {
				"type": "object", "required": ["Id", "Title", "StartDate", "EndDate"],
				"properties": {
					"Id": {"type": "string"}, "Title": {"type": "string"},
					"StartDate": {"type": "string", "format": "date-time"}, "EndDate": {"type": "string", "format": "date-time"},
					"MeetingOwner": {"$ref": "#/$defs/advisor"},
					"AdditionalAdvisors": {"type": ["array", "null"], "items": {"$ref": "#/$defs/advisor"}},
					"ExternalAttendees": {"type": ["array", "null"], "items": {
						"type": ["object", "null"],
						"properties": {"Name": {"type": ["string", "null"]}, "Email": {"type": ["string", "null"]}}
					}},
					"Theme": {"type": ["string", "null"]}, "CustomerCategory": {"type": ["string", "null"]},
					"Room": {"type": ["string", "null"]},
					"CustomFields": {"type": ["object", "null"]}
				}
			},
			"Customer": {
				"type": ["object", "null"],
				"properties": {
					"Id": {"type": ["string", "null"]}, "Name": {"type": ["string", "null"]},
					"Email": {"type": ["string", "null"]}, "AccountId": {"type": ["string", "null"]}
				}
			}
		},
		"$defs": {"advisor": {
			"type": ["object", "null"],
			"properties": {"Name": {"type": ["string", "null"]}, "Email": {"type": ["string", "null"]}, "Initials": {"type": ["string", "null"]}}
		}}
	}`,
	"PortalMeetingCancelled": `{
		"type": "object", "required": ["MeetingId"],
		"properties": {
			"MeetingId": {"type": "string"}, "PortalId": {"type": ["string", "null"]},
			"CancelledBy": {"type": ["string", "null"]}, "CancellationReason": {"type": ["string", "null"]}
		}
	}`,
	"CustomerOverview": `{
		"type": "object", "required": ["AccountId"],
		"properties": {"AccountId": {"type": "string"}}
	}`,
	"TranscriptReady": `{
		"type": "object", "required": ["MeetingId", "TranscriptId"],
		"properties": {
			"MeetingId": {"type": "string"}, "TranscriptId": {"type": "string"}, "Transcript": {"type": ["string", "null"]},
			"OnlineMeetingId": {"type": ["string", "null"]}, "EventId": {"type": ["string", "null"]}
		}
	}`,
	"MeetMeetingEnded": `{
		"type": "object", "required": ["MeetingId"],
		"properties": {
			"MeetingId": {"type": "string"},
			"StartedAt": {"type": ["string", "null"], "format": "date-time"}, "EndedAt": {"type": ["string", "null"], "format": "date-time"},
			"Attendance": {"type": ["array", "null"], "items": {
				"type": ["object", "null"],
				"properties": {
					"Name": {"type": ["string", "null"]}, "Email": {"type": ["string", "null"]},
					"JoinedAt": {"type": ["string", "null"], "format": "date-time"}, "LeftAt": {"type": ["string", "null"], "format": "date-time"}
				}
			}}
		}
	}`,
	platformOwn: `{
		"type": "object", "required": ["userName"],
		"properties": {
			"externalId": {"type": ["string", "null"]}, "userName": {"type": "string"}, "displayName": {"type": ["string", "null"]},
			"name": {"type": ["object", "null"], "properties": {"givenName": {"type": ["string", "null"]}, "familyName": {"type": ["string", "null"]}}},
			"active": {"type": ["boolean", "null"]}, "location": {"type": ["string", "null"]},
			"kind": {"enum": ["employee", "room", null]}
		}
	}`,
}

// platformOwn is the event type that the platform itself causes.
const platformOwn = "EmployeeProvisioned"

// platformTypes compiles the platform's event types once for the process; they
// are constants.
var platformTypes = sync.OnceValue(func() map[string]*TriggerType {
	types := make(map[string]*TriggerType, len(platformSchemas))
	for _, id := range slices.Sorted(maps.Keys(platformSchemas)) {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(platformSchemas[id]))
		if err != nil {
			panic(err) // a constant of this file
		}
		schema, err := compileSchema(doc)
		if err != nil {
			panic(err)
		}
		types[id] = &TriggerType{ID: id, Name: id, Platform: id == platformOwn, shape: sealed(schemaShape(doc))}
		types[id].setSchema(schema)
	}
	return types
})
