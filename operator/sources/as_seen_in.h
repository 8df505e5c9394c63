// A source's URI, as the operator must write it to ask the same server as a pod. Pure.
#pragma once

#include <string>

namespace penstock::sources {

// A host without a dot is a Service of the pod's own namespace: http://data/x is
// http://data.team.svc/x when it is asked from elsewhere. Anything else is given back as it is.
[[nodiscard]] std::string AsSeenIn(const std::string& ns, const std::string& uri);

}  // namespace penstock::sources
