#include "operator/sources/scratch_folder.h"

#include <cstdlib>
#include <string>

#include "operator/artifacts/tree.h"

namespace penstock::sources {

ScratchFolder::ScratchFolder(const std::filesystem::path& parent) {
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  std::string name = (parent / "code-XXXXXX").string();
  if (::mkdtemp(name.data()) != nullptr) path_ = name;
}

ScratchFolder::~ScratchFolder() {
  if (!path_.empty()) static_cast<void>(artifacts::RemoveTree(path_));
}

}  // namespace penstock::sources
