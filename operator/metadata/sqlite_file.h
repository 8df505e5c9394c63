// Opens the database file, or a new one in its place.
#pragma once

#include <filesystem>
#include <string>

#include "operator/metadata/database.h"

namespace penstock::metadata {

// Opens for writing, checks the file and brings its schema up to date. A file that is damaged, lost
// tables or is no database is renamed to <path>.damaged-<time> (with its -wal) and a new one begun:
// what it held of live runs is written again by their controllers. Anything else leaves the file as
// it is: kNoSpace or kTransient for a full volume or a failing disk (SQLite needs room to open),
// kUnsupported for the file of a newer program.
[[nodiscard]] Result<OpenedDatabase> OpenDatabase(const std::filesystem::path& path, TimePoint now);

// The same, but a damaged file stays where it is, and is kTransient.
[[nodiscard]] Result<OpenedDatabase> OpenIntactDatabase(const std::filesystem::path& path);

// Opens it so and closes it again, for those who only read and meet an older program's file, or
// none. The warning, or "".
[[nodiscard]] Result<std::string> PrepareDatabase(const std::filesystem::path& path, TimePoint now);

// Opens for reading beside the writer; NotFound when there is no file.
[[nodiscard]] Result<Session> OpenForReading(const std::filesystem::path& path);

// Whether what SQLite said last of this session means that the file under it is no more the
// database that was opened: damaged, replaced, emptied or not to be written. Opening it anew helps.
// To be asked at once: the next statement, a rollback too, changes the answer.
[[nodiscard]] bool HasLostItsFile(soci::session& session);

}  // namespace penstock::metadata
