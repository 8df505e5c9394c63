// Rows of the database as records, and how a question is asked of it. Only this folder's .cc files
// include it: it brings SOCI.
#pragma once

#include <soci.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "operator/metadata/database.h"
#include "operator/metadata/record.h"

namespace penstock::metadata {

using Rows = soci::rowset<soci::row>;

inline constexpr const char* kRunColumns =
    "uid, namespace, name, pipeline, revision, outcome, message, parameters, created, started,"
    " finished, phase, reason, step, cause, \"user\", labels, counts";

[[nodiscard]] long long IntegerOf(const soci::row& row, const std::string& column);
[[nodiscard]] std::optional<TimePoint> TimeOf(const soci::row& row, const std::string& column);
[[nodiscard]] long long MillisecondsOf(TimePoint t);  // Unix
[[nodiscard]] Json ParseStored(const std::string& text);
[[nodiscard]] RunRecord ToRun(const soci::row& row);    // of kRunColumns
[[nodiscard]] StepRecord ToStep(const soci::row& row);  // without artifacts

// A session for one question, given back at its end.
class Reading {
 public:
  Reading(const Database& database, Session session)
      : database_(database), session_(std::move(session)) {}
  ~Reading() { database_.Done(std::move(session_), good_); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  [[nodiscard]] soci::session& session() { return *session_; }
  void WasGood() { good_ = true; }

 private:
  const Database& database_;
  Session session_;
  bool good_ = false;
};

// Opens, asks, and folds what SOCI throws into an Error. Asks once more where the session turns out
// to be lost, as one that stood idle while its server was restarted.
template <typename T>
Result<T> Ask(const DatabasePtr& database, const std::function<Result<T>(soci::session&)>& ask) {
  for (bool again = false;; again = true) {
    auto session = database->OpenToRead(again);
    if (!session) return session.error();
    Reading reading(*database, *std::move(session));
    try {
      auto answer = ask(reading.session());
      reading.WasGood();
      return answer;
    } catch (const std::exception& e) {
      const bool lost = database->TroubleAfter(reading.session(), e) == Trouble::kLost;
      if (lost && !again) continue;
      const std::string what = "reading " + database->name() + ": " + e.what();
      return lost ? Transient(what) : Internal(what);
    }
  }
}

}  // namespace penstock::metadata
