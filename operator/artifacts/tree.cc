#include "operator/artifacts/tree.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

constexpr auto kWrite = fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;

const char* KindOf(fs::file_type type) {
  switch (type) {
    case fs::file_type::symlink:
      return "a symbolic link";
    case fs::file_type::block:
    case fs::file_type::character:
      return "a device";
    case fs::file_type::fifo:
      return "a pipe";
    case fs::file_type::socket:
      return "a socket";
    default:
      return "no regular file";
  }
}

bool IsUtf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

Result<void> AddEntry(const fs::path& root, const fs::directory_entry& entry,
                      std::vector<TreeFile>& out) {
  std::error_code ec;
  const fs::file_status status = entry.symlink_status(ec);
  if (ec) return FromErrno("looking at " + entry.path().string(), ec.value());
  if (status.type() == fs::file_type::directory) return {};
  if (status.type() != fs::file_type::regular)
    return Invalid(entry.path().string() + " is " + KindOf(status.type()) +
                   "; an artifact holds regular files and folders only");
  const std::string path = entry.path().lexically_relative(root).generic_string();
  if (!IsUtf8(path)) return Invalid("a file name under " + root.string() + " is not UTF-8");
  const std::uintmax_t size = entry.file_size(ec);
  if (ec) return FromErrno("looking at " + entry.path().string(), ec.value());
  out.push_back({path, size, (status.permissions() & fs::perms::owner_exec) != fs::perms::none});
  return {};
}

}  // namespace

Result<std::vector<TreeFile>> ListTree(const fs::path& root) {
  std::vector<TreeFile> out;
  std::error_code ec;
  fs::recursive_directory_iterator it(root, ec);
  if (ec) return FromErrno("reading folder " + root.string(), ec.value());
  while (it != fs::recursive_directory_iterator()) {
    if (auto added = AddEntry(root, *it, out); !added) return added.error();
    it.increment(ec);
    if (ec) return FromErrno("reading folder " + root.string(), ec.value());
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return out;
}

Result<void> MakeReadOnly(const fs::path& root) {
  std::error_code ec;
  std::vector<fs::path> all;
  if (fs::is_directory(root, ec)) {
    for (fs::recursive_directory_iterator it(root, ec), end; !ec && it != end; it.increment(ec))
      all.push_back(it->path());
    if (ec) return FromErrno("reading folder " + root.string(), ec.value());
  }
  all.push_back(root);
  for (const auto& path : all) {
    fs::permissions(path, kWrite, fs::perm_options::remove, ec);
    if (ec) return FromErrno("making " + path.string() + " read-only", ec.value());
  }
  return {};
}

Result<void> RemoveTree(const fs::path& root) {
  std::error_code ec;
  const fs::file_status status = fs::symlink_status(root, ec);
  if (status.type() == fs::file_type::not_found) return {};
  if (status.type() == fs::file_type::directory) {
    fs::permissions(root, fs::perms::owner_all, fs::perm_options::add, ec);
    // Only folders need it: a file is removed by right of the folder that holds it.
    for (fs::recursive_directory_iterator it(root, ec), end; !ec && it != end; it.increment(ec)) {
      std::error_code ignored;  // remove_all below reports what matters
      if (it->is_directory(ignored) && !it->is_symlink(ignored))
        fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    }
  }
  fs::remove_all(root, ec);
  if (ec) return FromErrno("removing " + root.string(), ec.value());
  return {};
}

}  // namespace penstock::artifacts
