#include "operator/artifacts/prediction_store.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>

#include "operator/artifacts/room.h"
#include "operator/base/file.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFolder = "predictions";
constexpr std::string_view kSuffix = ".parquet", kRequests = ".requests";
constexpr std::size_t kMaxRequestId = 4 << 10, kPiece = 64 << 10, kFirstLine = 4 << 10;
constexpr std::size_t kMaxListed = 200'000;
constexpr std::size_t kMaxFolders = 100'000;  // namespaces, or logs of one

bool IsPart(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text[0] != '.' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == text.npos;
}

bool EndsIn(std::string_view suffix, std::string_view name) {
  return IsPart(name) && name.size() > suffix.size() && name.ends_with(suffix);
}

bool IsFileName(std::string_view name) { return EndsIn(kSuffix, name); }

Result<fs::path> Folder(const fs::path& root, const std::string& ns,
                        const std::string& deployment) {
  if (!IsPart(ns)) return Invalid("namespace '" + ns.substr(0, 80) + "' is no name");
  if (!IsPart(deployment))
    return Invalid("ModelDeployment '" + deployment.substr(0, 80) + "' is no name");
  return root / ns / kFolder / deployment;
}

Result<fs::path> FilePath(const fs::path& root, const std::string& ns,
                          const std::string& deployment, const std::string& name) {
  auto folder = Folder(root, ns, deployment);
  if (!folder) return folder;
  if (!IsFileName(name) && !EndsIn(kRequests, name))
    return Invalid("'" + name.substr(0, 80) +
                   "' is no prediction file: a-z, 0-9, '-' and '.', ending in .parquet or "
                   ".requests");
  return *folder / name;
}

// The names in a folder, sorted; none where there is no folder, kTooLarge where there are more.
Result<std::vector<std::string>> Names(const fs::path& folder, std::size_t most) {
  std::vector<std::string> names;
  std::error_code ec;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    if (names.size() == most) {
      Error e = Invalid(folder.filename().string() + " has more than " + std::to_string(most) +
                        " files; a shorter retention removes the old ones");
      e.kind = ErrorKind::kTooLarge;
      return e;
    }
    names.push_back(it->path().filename().string());
  }
  if (ec && ec != std::errc::no_such_file_or_directory && ec != std::errc::not_a_directory)
    return FromErrno("reading folder " + folder.string(), ec.value());
  std::sort(names.begin(), names.end());
  return names;
}

struct RequestsFile {
  fs::file_time_type written;
  std::string deployment;
  fs::path path;
};

// Of these logs, newest first.
Result<std::vector<RequestsFile>> RequestsFiles(const fs::path& folder,
                                                const std::vector<std::string>& deployments) {
  std::vector<RequestsFile> files;
  for (const std::string& deployment : deployments) {
    auto names = Names(folder / deployment, 2 * kMaxListed);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (!EndsIn(kRequests, name)) continue;
      std::error_code gone;  // its time may have been over meanwhile
      const auto written = fs::last_write_time(folder / deployment / name, gone);
      if (!gone) files.push_back({written, deployment, folder / deployment / name});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.written > b.written; });
  return files;
}

// Whether a line of the file, but for the first, is this one. A piece at a time is in memory. No
// file is no line: its time may have been over meanwhile.
Result<bool> HasLine(const fs::path& path, const std::string& line) {
  const std::string sought = "\n" + line + "\n";
  std::ifstream in(path, std::ios::binary);
  std::string window, piece(kPiece, '\0');
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    window.append(piece, 0, static_cast<std::size_t>(in.gcount()));
    if (in.eof() && !window.ends_with('\n')) window += '\n';
    if (window.find(sought) != std::string::npos) return true;
    if (window.size() > sought.size()) window.erase(0, window.size() - sought.size());
  }
  if (in.bad()) return FromErrno("reading " + path.string(), EIO);
  return false;
}

// What a server has written of itself; other than it should be, it is nothing.
LoggedRequest ReadFirstLine(const std::string& deployment, const fs::path& path) {
  LoggedRequest request{deployment, "", ""};
  std::string text(kFirstLine, '\0');
  std::ifstream in(path, std::ios::binary);
  in.getline(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(text.find('\0'));
  const auto head = ParseJson(text, "its first line");
  if (!head || !head->is_object()) return request;
  const auto field = [&](const char* name) {
    const auto it = head->find(name);
    return it != head->end() && it->is_string() ? it->get<std::string>().substr(0, 253) : "";
  };
  request.version = field("version");
  request.digest = field("digest");
  return request;
}

}  // namespace

std::string FormatPredictionFiles(const std::vector<PredictionFile>& files) {
  // As text at once: objects of so many files would take ten times as much.
  std::string out = R"({"files":[)";
  for (const auto& file : files) {
    if (out.back() != '[') out += ',';
    out +=
        R"({"bytes":)" + std::to_string(file.bytes) + R"(,"name":)" + Json(file.name).dump() + "}";
  }
  return out + "]}";
}

Result<std::vector<PredictionFile>> ParsePredictionFiles(const std::string& text) {
  const auto parsed = ParseJson(text, "list of prediction files");
  if (!parsed) return parsed.error();
  const Error bad = Invalid("this is no list of prediction files: " + text.substr(0, 80));
  if (!parsed->is_object() || !parsed->contains("files")) return bad;
  std::vector<PredictionFile> files;
  for (const Json& entry : parsed->at("files")) {
    if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string() ||
        !entry.contains("bytes") || !entry["bytes"].is_number_unsigned())
      return bad;
    PredictionFile file{entry["name"].get<std::string>(), entry["bytes"].get<std::uint64_t>()};
    if (!IsFileName(file.name)) return bad;  // it becomes a path here
    files.push_back(std::move(file));
  }
  return files;
}

Result<void> PredictionWriter::Write(std::string_view bytes) {
  if (auto room = room_.Before(bytes.size()); !room) return room;
  return OnVolume(file_.Write(bytes));
}

PredictionStore::PredictionStore(fs::path root, Room room)
    : root_(std::move(root)), room_(std::move(room)) {}

Result<PredictionWriter> PredictionStore::NewFile(const std::string& ns,
                                                  const std::string& deployment,
                                                  const std::string& name) const {
  auto path = FilePath(root_, ns, deployment, name);
  if (!path) return path.error();
  auto file = AtomicFile::Create(*path);
  if (!file) return OnVolume(file.error()).error();
  return PredictionWriter(*std::move(file), room_);
}

Result<void> PredictionStore::Put(const std::string& ns, const std::string& deployment,
                                  const std::string& name, std::string_view bytes) const {
  auto file = NewFile(ns, deployment, name);
  if (!file) return file.error();
  if (auto written = file->Write(bytes); !written) return written;
  return file->Commit();
}

Result<std::vector<PredictionFile>> PredictionStore::List(const std::string& ns,
                                                          const std::string& deployment) const {
  auto folder = Folder(root_, ns, deployment);
  if (!folder) return folder.error();
  auto names = Names(*folder, kMaxListed);
  if (!names) return names.error();
  std::vector<PredictionFile> files;
  for (const auto& name : *names) {
    if (!IsFileName(name)) continue;  // on its way in
    const auto bytes = SizeOfFile(*folder / name);
    if (!bytes) return bytes.error();
    if (*bytes) files.push_back({name, **bytes});  // its time may have been over meanwhile
  }
  return files;
}

Result<fs::path> PredictionStore::Path(const std::string& ns, const std::string& deployment,
                                       const std::string& name) const {
  auto path = FilePath(root_, ns, deployment, name);
  if (!path) return path;
  const auto size = SizeOfFile(*path);
  if (!size) return size.error();
  if (!*size)
    return NotFound("ModelDeployment " + deployment + " of namespace " + ns +
                    " has no prediction file " + name);
  return path;
}

Result<LoggedRequest> PredictionStore::FindRequest(const std::string& ns,
                                                   const std::string& deployment,
                                                   const std::string& id, const Clock& clock,
                                                   const std::stop_token& stop) const {
  if (id.empty() || id.size() > kMaxRequestId)
    return Invalid("a request's id is not empty, and has at most 4 KiB");
  auto folder = Folder(root_, ns, deployment.empty() ? "any" : deployment);
  if (!folder) return folder.error();
  std::vector<std::string> deployments{deployment};
  if (deployment.empty()) {
    auto names = Names(folder->parent_path(), kMaxFolders);
    if (!names) return names.error();
    deployments = *std::move(names);
  }
  auto files = RequestsFiles(folder->parent_path(), deployments);
  if (!files) return files.error();
  const std::string line = Json(id).dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto until = clock.Steady() + kRequestPatience;
  for (std::size_t i = 0; i < files->size(); ++i) {
    if (stop.stop_requested()) return Transient("stopped");
    if (clock.Steady() >= until) {
      Error e =
          Invalid("the request is in none of the newest " + std::to_string(i) + " of " +
                  std::to_string(files->size()) + " files of the prediction logs, more than " +
                  "are looked through; name the ModelDeployment");
      e.kind = ErrorKind::kTooLarge;
      return e;
    }
    const auto has = HasLine((*files)[i].path, line);
    if (!has) return has.error();
    if (*has) return ReadFirstLine((*files)[i].deployment, (*files)[i].path);
  }
  return NotFound("no prediction log of namespace " + ns + " has a request '" + id.substr(0, 100) +
                  "': it was not in the sample, or is not written yet, or its time is over");
}

Result<std::vector<PredictionStore::Log>> PredictionStore::Logs() const {
  std::vector<Log> logs;
  auto namespaces = Names(root_, kMaxFolders);
  if (!namespaces) return namespaces.error();
  for (const auto& ns : *namespaces) {
    auto deployments = Names(root_ / ns / kFolder, kMaxFolders);
    if (!deployments) return deployments.error();
    for (const auto& deployment : *deployments) logs.push_back({ns, deployment});
  }
  return logs;
}

Result<int> PredictionStore::RemoveOlder(const Log& log, std::chrono::milliseconds age) const {
  auto folder = Folder(root_, log.ns, log.deployment);
  if (!folder) return folder.error();
  int removed = 0;
  std::optional<Error> failed;  // one that stays keeps no other
  const auto before = fs::file_time_type::clock::now() - age;
  std::error_code end;
  for (fs::directory_iterator it(*folder, end), last; !end && it != last; it.increment(end)) {
    std::error_code ec;
    const auto written = fs::last_write_time(it->path(), ec);
    if (!ec && written > before) continue;
    if (!ec && fs::remove(it->path(), ec)) ++removed;
    if (ec && ec != std::errc::no_such_file_or_directory && !failed)
      failed = FromErrno("removing " + it->path().string(), ec.value());
  }
  if (end && end != std::errc::no_such_file_or_directory)
    return FromErrno("reading folder " + folder->string(), end.value());
  if (failed) return *failed;
  std::error_code kept;
  fs::remove(*folder, kept);
  const bool usual = !kept || kept == std::errc::directory_not_empty ||
                     kept == std::errc::no_such_file_or_directory;
  if (!usual) return FromErrno("removing " + folder->string(), kept.value());
  return removed;
}

}  // namespace penstock::artifacts
