// A receiver of signed webhooks in Go 1.19 or later, without modules.
//
//	WEBHOOK_SECRET=whsec_… INBOX=inbox PORT=8080 go run receiver.go
//
// The module github.com/standard-webhooks/standard-webhooks/libraries/go has what verify does here.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Bytes; a notification has a little more than 1 MiB at most.
const limit = 2 << 20

var (
	key    []byte
	inbox  = getenv("INBOX", "inbox")
	fileID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,100}$`)
)

func main() {
	var err error
	key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if err != nil || len(key) == 0 {
		log.Fatal("WEBHOOK_SECRET must be whsec_ and base64")
	}
	if err := os.MkdirAll(inbox, 0o770); err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:        "127.0.0.1:" + getenv("PORT", "8080"),
		Handler:     http.HandlerFunc(answer),
		ReadTimeout: time.Minute,
	}
	log.Fatal(server.ListenAndServe())
}

func answer(w http.ResponseWriter, r *http.Request) {
	status, reason := receive(r)
	w.WriteHeader(status)
	io.WriteString(w, reason)
}

// The status of the answer, and why.
func receive(r *http.Request) (int, string) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, "only POST"
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return http.StatusBadRequest, "the body is cut off"
	}
	if len(body) > limit {
		// To its end, so that the sender sees the answer.
		io.Copy(io.Discard, r.Body)
		return http.StatusRequestEntityTooLarge, "too large"
	}
	if err := verify(r.Header, body); err != nil {
		return http.StatusUnauthorized, err.Error()
	}
	id := r.Header.Get("webhook-id")
	if !fileID.MatchString(id) {
		return http.StatusBadRequest, "webhook-id is no name of a file"
	}
	if !json.Valid(body) {
		return http.StatusBadRequest, "not JSON"
	}
	if err := keep(id, body); err != nil {
		// kazoo-relay sends it again.
		log.Print(err)
		return http.StatusServiceUnavailable, "it could not be kept"
	}
	return http.StatusNoContent, ""
}

// Why the request isn't kazoo-relay's, or nil.
func verify(headers http.Header, body []byte) error {
	id, sent := headers.Get("webhook-id"), headers.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(sent, 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age > 5*time.Minute || age < -5*time.Minute {
		return errors.New("webhook-timestamp is missing, or more than five minutes away")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + sent + "."))
	mac.Write(body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	// One for each secret, while an old one is replaced.
	for _, signature := range strings.Split(headers.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(expected), []byte(signature)) {
			return nil
		}
	}
	return errors.New("no signature fits")
}

// The file appears whole and only once, however often the notification comes; what reads the inbox does the rest.
func keep(id string, body []byte) error {
	file := filepath.Join(inbox, id+".json")
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	part, err := os.CreateTemp(inbox, "*.part")
	if err != nil {
		return err
	}
	_, err = part.Write(body)
	if err == nil {
		err = part.Sync()
	}
	if closed := part.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(part.Name(), file)
	}
	if err == nil {
		log.Print("kept ", id)
	}
	return err
}

func getenv(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
