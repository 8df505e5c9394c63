#include "operator/gateway/mlflow/artifact_routes.h"

#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "operator/artifacts/store.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/api/api_request.h"
#include "operator/gateway/artifact_routes.h"
#include "operator/gateway/mlflow/mlflow_answer.h"
#include "operator/gateway/mlflow/mlflow_calls.h"
#include "operator/net/url.h"

namespace penstock::gateway {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 2'000;  // of one run
constexpr std::size_t kLongestPath = 1'024, kLongestPart = 255;
constexpr std::uint64_t kMostUntold = 64ULL << 20;  // of a body that says no length
constexpr const char* kPlace = "{experiment}/{run}/artifacts/{path}";

bool IsName(std::string_view name) {
  if (name.empty() || name.size() > kLongestPart || name == "." || name == "..") return false;
  // A backslash parts folders on some machines.
  for (const unsigned char c : name)
    if (c < 0x20 || c == 0x7F || c == '\\') return false;
  return true;
}

// A file that goes with its object.
class ScratchFile {
 public:
  [[nodiscard]] static Result<ScratchFile> Make(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return FromErrno(folder.string(), error.value());
    std::string path = (folder / "mlflow-XXXXXX").string();
    const int fd = ::mkstemp(path.data());
    if (fd < 0) return FromErrno(path, errno);
    ::close(fd);
    return ScratchFile(path);
  }
  ~ScratchFile() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove(path_, ignored);
  }
  ScratchFile(ScratchFile&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ScratchFile& operator=(ScratchFile&&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  explicit ScratchFile(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

Error TooLarge(std::uint64_t most, const std::string& more) {
  Error e = Invalid("the file is over " + std::to_string(most) + " bytes" + more);
  e.kind = ErrorKind::kTooLarge;
  return e;
}

class Upload {
 public:
  Upload(const MlflowParts& parts, Exchange& x, std::string ns)
      : parts_(parts), x_(x), ns_(std::move(ns)) {}

  // The body as a blob of the store.
  Result<metadata::TrackedFile> Receive() {
    const std::uint64_t length = x_.ContentLength().value_or(0);
    if (parts_.max_file_bytes != 0 && length > parts_.max_file_bytes)
      return TooLarge(parts_.max_file_bytes, ", more than this store takes");
    // Before the first byte: what cannot stay need not come.
    PENSTOCK_TRY(parts_.store->HasRoomFor(ns_, length));
    PENSTOCK_TRY(parts_.store->room().For(length));
    PENSTOCK_ASSIGN(const auto scratch, ScratchFile::Make(parts_.store->Scratch(ns_)));
    metadata::TrackedFile file;
    PENSTOCK_TRY(Write(scratch.path(), file));
    PENSTOCK_TRY(Store(scratch.path(), file));
    return file;
  }
  [[nodiscard]] bool gone() const { return gone_; }

 private:
  Result<void> Write(const fs::path& path, metadata::TrackedFile& file) {
    const auto told = x_.ContentLength();
    const std::uint64_t most = !told ? kMostUntold : parts_.max_file_bytes;
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    Sha256 sha;
    errno = 0;
    for (;;) {
      auto piece = x_.ReadBody();
      gone_ = !piece;
      if (!piece) return piece.error();
      if (piece->empty()) break;
      file.bytes += piece->size();
      if (most != 0 && file.bytes > most)
        return TooLarge(most, told ? ", more than this store takes"
                                   : ", and the request does not say its length");
      sha.Update(*piece);
      if (!out.write(piece->data(), std::streamsize(piece->size())))
        return FromErrno("writing " + path.string(), errno == 0 ? EIO : errno);
    }
    out.close();
    if (out.fail()) return FromErrno("writing " + path.string(), errno == 0 ? EIO : errno);
    file.digest = "sha256:" + sha.HexDigest();
    return {};
  }

  Result<void> Store(const fs::path& path, const metadata::TrackedFile& file) const {
    const auto there = parts_.store->UseBlob(ns_, file.digest);
    if (!there && there.error().kind != ErrorKind::kNotFound) return there.error();
    if (there && *there == file.bytes) return {};
    PENSTOCK_TRY(parts_.store->HasRoomFor(ns_, file.bytes));
    std::ifstream in(path, std::ios::binary);
    std::string piece;
    return parts_.store->PutBlob(ns_, file.digest, file.bytes, [&]() -> Result<std::string_view> {
      piece.resize(1 << 16);
      in.read(piece.data(), std::streamsize(piece.size()));
      if (in.bad()) return FromErrno("reading " + path.string(), EIO);
      return std::string_view(piece).substr(0, std::size_t(in.gcount()));
    });
  }

  const MlflowParts& parts_;
  Exchange& x_;
  const std::string ns_;
  bool gone_ = false;
};

Result<metadata::TrackedRun> RunOf(const MlflowParts& parts, const std::string& ns,
                                   const ArtifactPlace& place) {
  PENSTOCK_ASSIGN(auto run, parts.tracking->Get(ns, place.run));
  if (run.experiment == place.experiment) return run;
  return NotFound("the experiment " + plan::Shown(place.experiment, 80) + " has no run " +
                  plan::Shown(place.run, 80));
}

// That the store is full or closed to us does not pass by asking again, and is nothing that the
// caller may not do.
void RespondStored(Exchange& x, const Error& error) {
  if (error.kind == ErrorKind::kNoSpace)
    return RespondMlflow(x, 507, "RESOURCE_EXHAUSTED", error.message);
  if (error.kind == ErrorKind::kForbidden)
    return RespondMlflow(x, 500, "INTERNAL_ERROR", error.message);
  RespondMlflow(x, error);
}

void Put(const MlflowParts& parts, Exchange& x, const std::string& ns, const ArtifactPlace& place) {
  if (place.path.empty()) return RespondMlflow(x, Invalid(std::string("names no file: ") + kPlace));
  auto run = RunOf(parts, ns, place);
  if (!run) return RespondMlflow(x, run.error());
  // Before the body comes, and once more when the run is written.
  auto fits = CheckStands(*run);
  if (fits) fits = AddFile(*run, place.path, {});
  if (!fits) return RespondMlflow(x, fits.error());
  Upload upload(parts, x, ns);
  const auto file = upload.Receive();
  if (upload.gone()) return;
  if (!file) return RespondStored(x, file.error());
  const auto changed = parts.tracking->Change(
      ns, place.run,
      [&](metadata::TrackedRun& written) -> Result<void> {
        PENSTOCK_TRY(CheckStands(written));
        return AddFile(written, place.path, *file);
      },
      {}, x.stop());
  if (!changed) return RespondMlflow(x, changed.error());
  x.Respond(200, "application/json", "{}\n");
}

void Get(const MlflowParts& parts, Exchange& x, const std::string& ns, const ArtifactPlace& place) {
  const auto run = RunOf(parts, ns, place);
  if (!run) return RespondMlflow(x, run.error());
  const auto file = run->files.find(place.path);
  if (file == run->files.end())
    return RespondMlflow(
        x, NotFound("the run " + place.run + " has no file " + plan::Shown(place.path, 200)));
  const auto& [digest, bytes] = file->second;
  // Whatever it is, a browser is to run none of it.
  const Headers headers{{"Content-Type", "application/octet-stream"},
                        {"Content-Disposition", "attachment"},
                        {"X-Content-Type-Options", "nosniff"},
                        {"ETag", "\"" + digest + "\""}};
  const auto there = parts.store->UseBlob(ns, digest);
  if (!there) return RespondStored(x, there.error());
  if (*there != bytes)
    return RespondMlflow(x, 500, "INTERNAL_ERROR",
                         "the store has not kept the file " + plan::Shown(place.path, 200));
  const auto given = RespondBlob(x, *parts.store, ns, digest, 200, {0, bytes}, headers);
  if (!given) RespondStored(x, given.error());
}

void List(const MlflowParts& parts, Exchange& x, const std::string& ns) {
  const auto listed = [&]() -> Result<Json> {
    PENSTOCK_ASSIGN(const QueryPairs pairs, ParseQuery(x.query()));
    std::string path;
    for (const auto& [name, value] : pairs)
      if (name == "path") path = value;
    PENSTOCK_ASSIGN(const ArtifactPlace place, ParseArtifactPlace(path));
    PENSTOCK_ASSIGN(const auto run, RunOf(parts, ns, place));
    return FilesBelow(run, place.path);
  }();
  if (!listed) return RespondMlflow(x, listed.error());
  x.Respond(200, "application/json", listed->dump() + "\n");
}

}  // namespace

std::string ArtifactUriOf(const metadata::TrackedRun& run) {
  return "mlflow-artifacts:/" + run.experiment + "/" + run.record.uid + "/artifacts";
}

Result<ArtifactPlace> ParseArtifactPlace(const std::string& text) {
  std::string rest = text.substr(std::min(text.find_first_not_of('/'), text.size()));
  while (rest.ends_with('/')) rest.pop_back();
  std::array<std::string, 3> parts;
  for (auto& part : parts) {
    const auto slash = std::min(rest.find('/'), rest.size());
    part = rest.substr(0, slash);
    rest.erase(0, std::min(slash + 1, rest.size()));
    if (!IsName(part))
      return Invalid(plan::Shown(text, 200) + ": the place of a run's files is " + kPlace);
  }
  if (parts[2] != "artifacts")
    return Invalid(plan::Shown(text, 200) + ": the place of a run's files is " + kPlace +
                   "; those of models (mlflow.*.log_model) are not taken");
  if (rest.size() > kLongestPath)
    return Invalid("the path of a file is over " + std::to_string(kLongestPath) + " bytes");
  if (!IsUtf8(rest)) return Invalid("the path of a file is no UTF-8");
  for (std::size_t begin = 0; begin < rest.size();) {
    const auto end = std::min(rest.find('/', begin), rest.size());
    if (!IsName(std::string_view(rest).substr(begin, end - begin)))
      return Invalid(plan::Shown(rest, 200) + ": cannot be the path of a file");
    begin = end + 1;
  }
  return ArtifactPlace{parts[0], parts[1], rest};
}

Json FilesBelow(const metadata::TrackedRun& run, const std::string& path) {
  const std::string folder = path.empty() ? "" : path + "/";
  Json files = Json::array();
  std::string last;  // folder; what it holds comes one after the other
  for (auto at = run.files.lower_bound(folder);
       at != run.files.end() && at->first.starts_with(folder); ++at) {
    const std::string rest = at->first.substr(folder.size());
    const auto slash = rest.find('/');
    if (slash == std::string::npos) {
      files.push_back({{"path", rest}, {"is_dir", false}, {"file_size", at->second.bytes}});
    } else if (rest.substr(0, slash) != last) {
      last = rest.substr(0, slash);
      files.push_back({{"path", last}, {"is_dir", true}});
    }
  }
  return {{"files", std::move(files)}};
}

Result<void> AddFile(metadata::TrackedRun& run, const std::string& path,
                     const metadata::TrackedFile& file) {
  const auto below = run.files.lower_bound(path + "/");
  if (below != run.files.end() && below->first.starts_with(path + "/"))
    return Invalid(plan::Shown(path, 200) + " is a folder of the run's files");
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
    if (run.files.contains(path.substr(0, slash)))
      return Invalid(plan::Shown(path.substr(0, slash), 200) + " is a file of the run, no folder");
  run.files[path] = file;
  if (run.files.size() > kMostFiles)
    return Invalid("a run has at most " + std::to_string(kMostFiles) +
                   " files; log a folder of many as one archive");
  return {};
}

void AddMlflowArtifacts(Router& router, const MlflowParts& parts) {
  const std::string place = "/mlflow/{ns}/api/2.0/mlflow-artifacts/artifacts";
  const auto add = [&](const char* method, const std::string& pattern, const char* verb,
                       auto handle) {
    router.Add(method, pattern, [parts, verb, handle](Exchange& x, const PathParameters& path) {
      const auto ns = net::UrlDecode(path.at("ns"));
      if (!ns) return RespondMlflow(x, ns.error());
      if (!AllowedCaller(parts, x, *ns, verb)) return;
      handle(parts, x, *ns, path);
    });
  };
  const auto file = [&](const char* method, const char* verb, auto handle) {
    add(method, place + "/{path...}", verb,
        [handle](const MlflowParts& p, Exchange& x, const std::string& ns,
                 const PathParameters& path) {
          const auto text = net::UrlDecode(path.at("path"));
          const auto where = text ? ParseArtifactPlace(*text) : text.error();
          if (!where) return RespondMlflow(x, where.error());
          handle(p, x, ns, *where);
        });
  };
  add("GET", place, "list",
      [](const MlflowParts& p, Exchange& x, const std::string& ns, const PathParameters&) {
        List(p, x, ns);
      });
  file("PUT", "create", Put);
  file("GET", "list", Get);
  file("DELETE", "create",
       [](const MlflowParts&, Exchange& x, const std::string&, const ArtifactPlace&) {
         RespondMlflow(x, 501, "NOT_IMPLEMENTED",
                       "files of a run are not deleted; what the database loses of a run is "
                       "collected from the store");
       });
}

}  // namespace penstock::gateway
