#include "operator/gateway/mlflow/artifact_routes.h"

#include <stdlib.h>
#include <unistd.h>

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
#include "operator/gateway/mlflow/artifact_place.h"
#include "operator/gateway/mlflow/mlflow_answer.h"
#include "operator/net/url.h"

namespace penstock::gateway {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostUntold = 64ULL << 20;  // of a body that says no length

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

// The file into the run or model that the place is of.
Result<void> Keep(const MlflowParts& parts, const std::string& ns, const ArtifactPlace& place,
                  const metadata::TrackedFile& file, const std::stop_token& stop) {
  const auto add = [&](auto& owner) -> Result<void> {
    PENSTOCK_TRY(CheckStands(OwnerOf(owner)));
    return AddFile(owner.files, place.path, file);
  };
  if (!place.of_model) {
    PENSTOCK_TRY(parts.tracking->Change(ns, place.owner, add, {}, stop));
    return {};
  }
  PENSTOCK_TRY(metadata::LoggedModels(*parts.tracking).Change(ns, place.owner, add, stop));
  return {};
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

// MLflow's client quotes no name: that of `a?b` ends at the '?', and the file would be another.
Result<void> CheckWholeName(const Exchange& x) {
  if (x.query().empty()) return {};
  return Invalid("the name of a file ends at the '?': give it a name without one");
}

void Put(const MlflowParts& parts, Exchange& x, const std::string& ns, const ArtifactPlace& place) {
  if (place.path.empty()) return RespondMlflow(x, Invalid("the path names no file"));
  auto owner = FindOwner(parts, ns, place);
  if (!owner) return RespondMlflow(x, owner.error());
  // Before the body comes, and once more when it is written.
  auto fits = CheckWholeName(x);
  if (fits) fits = CheckStands(*owner);
  if (fits) fits = AddFile(owner->files, place.path, {});
  if (!fits) return RespondMlflow(x, fits.error());
  Upload upload(parts, x, ns);
  const auto file = upload.Receive();
  if (upload.gone()) return;
  if (!file) return RespondStored(x, file.error());
  if (const auto kept = Keep(parts, ns, place, *file, x.stop()); !kept)
    return RespondMlflow(x, kept.error());
  x.Respond(200, "application/json", "{}\n");
}

void Get(const MlflowParts& parts, Exchange& x, const std::string& ns, const ArtifactPlace& place) {
  if (const auto whole = CheckWholeName(x); !whole) return RespondMlflow(x, whole.error());
  const auto owner = FindOwner(parts, ns, place);
  if (!owner) return RespondMlflow(x, owner.error());
  const auto file = owner->files.find(place.path);
  if (file == owner->files.end())
    return RespondMlflow(x, NotFound(owner->what + " has no file " + plan::Shown(place.path, 200)));
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
    PENSTOCK_ASSIGN(const auto owner, FindOwner(parts, ns, place));
    return FilesBelow(owner.files, place.path);
  }();
  if (!listed) return RespondMlflow(x, listed.error());
  x.Respond(200, "application/json", listed->dump() + "\n");
}

}  // namespace

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
                       "files of runs and models are not deleted; what the database loses of them "
                       "is collected from the store");
       });
}

}  // namespace penstock::gateway
