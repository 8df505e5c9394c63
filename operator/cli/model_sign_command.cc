// penstock model sign, verify.
#include <optional>
#include <ostream>
#include <system_error>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/cli/commands.h"
#include "operator/cli/model/registry_client.h"
#include "operator/cli/objects/copy_folder.h"
#include "operator/signing/model_signature.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

// What is signed or verified.
struct SignedThing {
  fs::path path;                          // a folder of the user, or a copy of ours
  std::optional<CopyFolder> copy{};       // holds the copy
  std::optional<ModelVersion> version{};  // of a registered model
  [[nodiscard]] bool IsHere() const { return !copy; }
};

ArtifactOptions AsArtifact(const SignOptions& options, const std::string& name) {
  ArtifactOptions artifact;
  artifact.source = name;
  artifact.gateway = options.gateway;
  artifact.token_file = options.token_file;
  artifact.ca_file = options.ca_file;
  return artifact;
}

// NAME:ALIAS or NAME:NUMBER, of the cluster.
Result<ModelVersion> FindVersion(const std::string& text, Session& session) {
  const auto colon = text.find(':');
  PENSTOCK_ASSIGN(const auto registry, Registry::Open(session));
  PENSTOCK_ASSIGN(auto version, registry.Find(text.substr(0, colon), text.substr(colon + 1)));
  if (version.spec.source.empty()) return version;
  return Invalid(version.meta.name + " is fetched from " + version.spec.source +
                 ", which this command does not: unpack it, and give the folder");
}

Result<SignedThing> FindThing(const SignOptions& options, Session& session) {
  SignedThing thing;
  thing.path = session.directory / options.model;
  std::error_code ignored;
  if (fs::exists(thing.path, ignored)) return thing;
  std::string name = options.model;
  if (name.find(':') != std::string::npos && !name.starts_with("sha256:")) {
    session.flags.cluster = true;  // where registered models are
    PENSTOCK_ASSIGN(thing.version, FindVersion(name, session));
    name = thing.version->spec.digest;
  }
  PENSTOCK_ASSIGN(auto copy, CopyFolder::Create("model"));
  thing.copy.emplace(std::move(copy));
  thing.path = thing.copy->path() / "model";
  if (auto got = CopyArtifact(AsArtifact(options, name), thing.path, session); !got)
    return Error{got.error().kind, "there is no folder " +
                                       (session.directory / options.model).string() +
                                       ", and as an artifact: " + got.error().message};
  return thing;
}

// Of a key, whose errors name the file.
template <typename Read>
Result<signing::EcKey> KeyOf(const SignOptions& options, const Session& session, Read read) {
  const fs::path file = session.directory / options.key;
  PENSTOCK_ASSIGN(const std::string pem, ReadFile(file, 1 << 16));
  auto key = read(pem);
  if (!key) return Wrap(file.string(), key.error());
  return key;
}

// The artifact once more, with its signature, and what it is registered as.
Result<void> StoreSigned(const SignOptions& options, SignedThing& thing, Session& session) {
  std::string where;
  PENSTOCK_ASSIGN(const ArtifactRef artifact,
                  StoreArtifact(AsArtifact(options, ""), thing.path, session, where));
  session.err << "in " << where << "\n";
  if (!thing.version) {
    session.out << artifact.digest << "\n";
    return {};
  }
  ModelVersion next = *thing.version;
  next.meta = {};
  next.spec.digest = artifact.digest;
  next.spec.folder = artifact.folder;
  next.spec.bytes = artifact.bytes;
  next.spec.description = "version " + std::to_string(thing.version->spec.version) + ", signed";
  PENSTOCK_ASSIGN(const auto registry, Registry::Open(session));
  PENSTOCK_TRY(registry.Register(next));
  session.out << "modelversion/" << next.meta.name << " registered\n";
  return {};
}

Result<void> Sign(const SignOptions& options, Session& session) {
  PENSTOCK_ASSIGN(const auto key, KeyOf(options, session, signing::EcKey::ReadPrivate));
  PENSTOCK_ASSIGN(SignedThing thing, FindThing(options, session));
  std::error_code ignored;
  if (!fs::is_directory(thing.path, ignored))
    return Invalid(options.model + " is a single file: make it a folder, in which " +
                   signing::kSignatureFile + " stands beside it");
  PENSTOCK_ASSIGN(const std::string text, signing::SignModel(thing.path, key));
  const bool apart = !options.signature.empty();
  const fs::path file =
      apart ? session.directory / options.signature : thing.path / signing::kSignatureFile;
  PENSTOCK_TRY(WriteFileAtomically(file, text));
  if (!thing.IsHere() && !apart) return StoreSigned(options, thing, session);
  session.out << (apart ? options.signature
                        : (fs::path(options.model) / signing::kSignatureFile).string())
              << " written\n";
  return {};
}

}  // namespace

int SignModel(const SignOptions& options, Session& session) {
  const auto done = Sign(options, session);
  return done ? kOk : session.Fail(done.error());
}

int VerifyModel(const SignOptions& options, Session& session) {
  const auto key = KeyOf(options, session, signing::EcKey::ReadPublic);
  if (!key) return session.Fail(key.error());
  const auto thing = FindThing(options, session);
  if (!thing) return session.Fail(thing.error());
  const fs::path signature = options.signature.empty() ? thing->path / signing::kSignatureFile
                                                       : session.directory / options.signature;
  const auto findings = signing::CheckModel(thing->path, signature, *key);
  if (!findings) return session.Fail(findings.error());
  if (findings->empty()) {
    session.out << options.model << " is as the key " << key->hint().substr(0, 12)
                << " signed it\n";
    return kOk;
  }
  for (const std::string& finding : *findings) session.err << finding << "\n";
  return session.Fail(kFailed, options.model + " is not as the key signed it");
}

}  // namespace penstock::cli
