// Rows of the database as records, and how a question is asked of it. Only this folder's .cc files
// include it: it brings SOCI.
#pragma once

#include <soci.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "operator/metadata/database.h"
#include "operator/metadata/record.h"

namespace penstock::metadata {

using Rows = soci::rowset<soci::row>;

inline constexpr const char* kRunColumns =
    "uid, namespace, name, pipeline, revision, outcome, message, parameters, created, started,"
    " finished, phase, reason, step, cause, user, labels, counts";

[[nodiscard]] long long IntegerOf(const soci::row& row, const std::string& column);
[[nodiscard]] std::optional<TimePoint> TimeOf(const soci::row& row, const std::string& column);
[[nodiscard]] Json ParseStored(const std::string& text);
[[nodiscard]] RunRecord ToRun(const soci::row& row);    // of kRunColumns
[[nodiscard]] StepRecord ToStep(const soci::row& row);  // without artifacts

// Opens, asks, and folds what SOCI throws into an Error.
template <typename T>
Result<T> Ask(const std::filesystem::path& path,
              const std::function<Result<T>(soci::session&)>& ask) {
  auto session = OpenForReading(path);
  if (!session) return session.error();
  try {
    return ask(**session);
  } catch (const std::exception& e) {
    return Internal("reading the metadata database " + path.string() + ": " + e.what());
  }
}

}  // namespace penstock::metadata
