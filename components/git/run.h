// The component `git`: a folder of one commit of a repository, as an artifact. Steps whose code is
// `code.git` are preceded by one that the operator makes of it.
#pragma once

#include "components/git/credentials.h"
#include "components/git/repository.h"
#include "components/sdk/step.h"

namespace penstock::git {

// Parameters url, revision, path, file; outputs `folder` and, where `file` names a lock in it,
// `file`; result `commit`. Says on stdout what it fetched.
[[nodiscard]] Result<void> RunGit(sdk::Step& step, const Credentials& credentials,
                                  const Bounds& bounds = {});

}  // namespace penstock::git
