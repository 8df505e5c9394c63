#include "operator/signing/model_signature.h"

#include <algorithm>
#include <iterator>
#include <system_error>

#include "operator/artifacts/manifest.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/signing/signed_statement.h"

namespace penstock::signing {
namespace fs = std::filesystem;
namespace {

// What the form leaves out whoever signs. Recorded in each signature as well.
constexpr const char* kNeverSigned[] = {".git", ".gitattributes", ".github", ".gitignore"};
constexpr std::size_t kMostTold = 10;

// Whether the path is `left_out` or in a folder of that name.
bool IsOf(const std::string& path, const std::string& left_out) {
  return path.starts_with(left_out) &&
         (path.size() == left_out.size() || path[left_out.size()] == '/');
}

bool IsLeftOut(const std::string& path, const std::vector<std::string>& ignored) {
  const auto is = [&](const std::string& one) { return IsOf(path, one); };
  return path == kSignatureFile ||
         std::any_of(std::begin(kNeverSigned), std::end(kNeverSigned), is) ||
         std::any_of(ignored.begin(), ignored.end(), is);
}

std::string NameOf(const fs::path& folder) {
  std::error_code ec;
  const fs::path whole = fs::weakly_canonical(folder, ec);
  const std::string name = (ec ? folder : whole).filename().string();
  return name.empty() ? "model" : name;
}

}  // namespace

Result<std::string> SignModel(const fs::path& folder, const EcKey& key) {
  PENSTOCK_ASSIGN(const auto files, artifacts::ListTree(folder));
  Statement statement;
  statement.name = NameOf(folder);
  statement.ignored.assign(std::begin(kNeverSigned), std::end(kNeverSigned));
  statement.ignored.emplace_back(kSignatureFile);
  for (const auto& file : files) {
    if (IsLeftOut(file.path, {})) continue;
    PENSTOCK_ASSIGN(auto digest, artifacts::DigestFile(folder / file.path));
    statement.files.emplace(file.path, std::move(digest.sha256));
  }
  if (statement.files.empty()) return Invalid(folder.string() + " holds no file to sign");
  return WriteBundle(statement, key);
}

Result<std::vector<std::string>> CheckModel(const fs::path& folder, const fs::path& signature,
                                            const EcKey& key, std::vector<std::string>* left_out) {
  using Findings = std::vector<std::string>;
  std::error_code ec;
  if (fs::is_regular_file(folder, ec))
    return Findings{std::string("the model is a single file, in which no ") + kSignatureFile +
                    " can stand: make it a folder of both"};
  const std::string name = signature.filename().string();
  PENSTOCK_ASSIGN(const auto size, SizeOfFile(signature));
  if (!size)
    return Findings{"there is no file " + name +
                    ": the model is not signed (`penstock model sign` writes it)"};
  if (*size > kMostSignatureBytes) return Findings{name + " is no signature: it is above 8 MiB"};
  PENSTOCK_ASSIGN(const std::string text, ReadFile(signature, kMostSignatureBytes));
  auto statement = ReadBundle(text, key);
  if (!statement) return Findings{name + ": " + statement.error().message};
  PENSTOCK_ASSIGN(const auto files, artifacts::ListTree(folder));
  Findings findings;
  auto& left = statement->files;
  for (const auto& file : files) {
    const auto known = left.find(file.path);
    const std::string shown = plan::Shown(file.path, 200);
    if (known == left.end()) {
      if (!IsLeftOut(file.path, statement->ignored)) {
        findings.push_back(shown + " is not signed");
      } else if (left_out != nullptr && file.path != kSignatureFile) {
        left_out->push_back(file.path);
      }
      continue;
    }
    PENSTOCK_ASSIGN(const auto digest, artifacts::DigestFile(folder / file.path));
    if (digest.sha256 != known->second) findings.push_back(shown + " is altered");
    left.erase(known);
  }
  for (const auto& [path, hex] : left) findings.push_back(plan::Shown(path, 200) + " is absent");
  return findings;
}

Result<void> RemoveLeftOut(const fs::path& folder, const std::vector<std::string>& left_out) {
  std::vector<fs::path> folders;  // each after the one that holds it
  std::error_code ec;
  for (fs::recursive_directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
    if (it->symlink_status().type() == fs::file_type::directory) folders.push_back(it->path());
  if (ec) return FromErrno("reading folder " + folder.string(), ec.value());
  const auto writable = [&](const fs::path& one) {
    fs::permissions(one, fs::perms::owner_all, fs::perm_options::add, ec);
    return ec ? FromErrno("making " + one.string() + " writable", ec.value()) : Result<void>();
  };
  PENSTOCK_TRY(writable(folder));
  for (const fs::path& one : folders) PENSTOCK_TRY(writable(one));
  for (const std::string& path : left_out) {
    fs::remove(folder / path, ec);
    if (ec) return FromErrno("removing " + (folder / path).string(), ec.value());
  }
  for (auto one = folders.rbegin(); one != folders.rend(); ++one) {
    const bool empty = fs::is_empty(*one, ec);
    if (!ec && empty) fs::remove(*one, ec);
    if (ec) return FromErrno("removing " + one->string(), ec.value());
  }
  return artifacts::MakeReadOnly(folder);
}

std::string Told(const std::vector<std::string>& findings) {
  std::string text;
  for (std::size_t i = 0; i < findings.size() && i < kMostTold; ++i)
    text += (i == 0 ? "" : "; ") + findings[i];
  if (findings.size() > kMostTold)
    text += "; and " + std::to_string(findings.size() - kMostTold) + " more";
  return text;
}

}  // namespace penstock::signing
