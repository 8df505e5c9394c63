#include "operator/artifacts/logs/log_store.h"

#include <optional>

#include "operator/base/file.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

bool IsLogPart(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text[0] != '.' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == text.npos;
}

Result<fs::path> LogPath(const fs::path& root, const std::string& ns, const std::string& run_uid,
                         const std::string& pod) {
  for (const std::string* part : {&ns, &run_uid, &pod})
    if (!IsLogPart(*part)) return Invalid("'" + part->substr(0, 80) + "' names no log");
  return root / ns / "logs" / run_uid / (pod + ".log");
}

// The last bytes, from the beginning of a line on where there is one.
std::string EndOf(std::string_view text, std::uint64_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t cut = text.size() - (most - 200);  // room for the first line
  if (const auto line = text.find('\n', cut); line != text.npos && line + 1 < text.size())
    cut = line + 1;
  return "penstock: " + std::to_string(cut) + " bytes before this line were not kept\n" +
         std::string(text.substr(cut));
}

}  // namespace

LogStore::LogStore(fs::path root, Room room) : root_(std::move(root)), room_(std::move(room)) {}

Result<void> LogStore::Put(const std::string& ns, const std::string& run_uid,
                           const std::string& pod, std::string_view text,
                           std::uint64_t most) const {
  auto path = LogPath(root_, ns, run_uid, pod);
  if (!path) return path.error();
  const std::string kept = EndOf(text, most);
  if (auto room = room_.For(kept.size()); !room) return room;
  return OnVolume(WriteFileAtomically(*path, kept));
}

Result<fs::path> LogStore::Path(const std::string& ns, const std::string& run_uid,
                                const std::string& pod) const {
  auto path = LogPath(root_, ns, run_uid, pod);
  if (!path) return path;
  const auto size = SizeOfFile(*path);
  if (!size) return size.error();
  if (!*size) return NotFound("no log of pod " + pod + " is kept");
  return path;
}

Result<int> LogStore::RemoveOlder(std::chrono::milliseconds age) const {
  int removed = 0;
  std::optional<Error> first;
  std::error_code ec;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator ns(root_, ec), end; !ec && ns != end; ns.increment(ec)) {
    std::error_code inner;
    for (fs::directory_iterator run(ns->path() / "logs", inner), last; !inner && run != last;
         run.increment(inner)) {
      std::error_code deep;
      for (fs::directory_iterator file(run->path(), deep), over; !deep && file != over;
           file.increment(deep)) {
        const auto written = file->last_write_time(deep);
        if (deep || now - written < age) continue;
        if (fs::remove(file->path(), deep)) ++removed;
      }
      if (deep && !first)
        first = FromErrno("removing old logs of " + run->path().string(), deep.value());
      std::error_code not_empty;
      fs::remove(run->path(), not_empty);
    }
  }
  // Of a store that nobody has written to yet there is none.
  if (ec && ec != std::errc::no_such_file_or_directory)
    return FromErrno("reading folder " + root_.string(), ec.value());
  if (first) return *first;
  return removed;
}

}  // namespace penstock::artifacts
