package dataverse_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/andmoneyaps/engage-playbooks/dataverse"
)

// TestBulkOfAnElasticTable is done in part: what was done is not sent again,
// and the others get an answer of their own.
func TestBulkOfAnElasticTable(t *testing.T) {
	const list = `[{"RequestIndex":0,"Id":"` + string(idA) + `","StatusCode":201},{"RequestIndex":1,"Id":null,"StatusCode":429},{"RequestIndex":2,"Id":"` + string(idC) + `","StatusCode":201}]`
	for name, annotation := range map[string]string{
		"as text":               fmt.Sprintf(`"@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails":%q`, list),
		"as a list, other name": `"@Plugin.BulkApiErrorDetails":` + list,
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &metadataServer{}
			multiple, single := 0, ""
			c, err := dataverse.New("https://contoso.crm4.dynamics.com", token("t"), &dataverse.Options{HTTP: handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case strings.HasSuffix(r.URL.Path, "CreateMultiple"):
					multiple++
					if !strings.Contains(r.Header.Get("Prefer"), `odata.include-annotations="Microsoft.PowerApps.CDS.ErrorDetails.*"`) {
						t.Errorf("Prefer: %s", r.Header.Get("Prefer"))
					}
					answer(429, `{"error":{"code":"0x80040265","message":"x",`+annotation+`}}`)(w, r)
				case multiple > 0:
					body := new(strings.Builder)
					_ = r.Write(body)
					single += body.String()
					batchAnswer(200, "--batchresponse_7f0a\nContent-Type: application/http\n\nHTTP/1.1 204 No Content\nOData-EntityId: https://x/contacts("+string(idB)+")\n\n\n--batchresponse_7f0a--\n")(w, r)
				default:
					m.ServeHTTP(w, r)
				}
			})}})
			if err != nil {
				t.Fatal(err)
			}
			written, err := c.Bulk(t.Context(), &dataverse.ChangeSet{Writes: []dataverse.Write{named("First", ""), named("Second", ""), named("Third", "")}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, id := range []dataverse.GUID{idA, idB, idC} {
				if written[i].Err != nil || written[i].ID != id {
					t.Errorf("%s: write %d: %+v", name, i, written[i])
				}
			}
			if multiple != 1 || strings.Count(single, "lastname") != 1 || !strings.Contains(single, "Second") {
				t.Errorf("%s: %d messages, then %s", name, multiple, single)
			}
		})
	}
}
