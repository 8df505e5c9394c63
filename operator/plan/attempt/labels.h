// Names, labels and annotations on the pods of a run.
#pragma once

namespace penstock::plan {

inline constexpr const char* kLabelManaged = "penstock.dev/managed";  // "true" on every pod of ours
inline constexpr const char* kLabelRunUid = "penstock.dev/run-uid";
inline constexpr const char* kLabelStep = "penstock.dev/step";
inline constexpr const char* kLabelAttempt = "penstock.dev/attempt";
// Index, of a looped step: on its pods, and on its runs where it is a Pipeline.
inline constexpr const char* kLabelItem = "penstock.dev/item";
inline constexpr const char* kLabelDaemon = "penstock.dev/daemon";   // "true": it serves others
inline constexpr const char* kAnnotationTask = "penstock.dev/task";  // the task document
inline constexpr const char* kConfigVolume = "penstock-config";  // with what is too large for that
inline constexpr const char* kAnnotationSpent =
    "penstock.dev/spent";  // budgets already spent, JSON
inline constexpr const char* kAnnotationCacheKey = "penstock.dev/cache-key";
// See CacheKeyInputs in cache_key.h.
inline constexpr const char* kAnnotationSettledKey = "penstock.dev/settled-key";
// Where the step has URI inputs and may be cached, JSON: {"base": CacheKey::base, "uris": {input:
// SourceName()}}.
inline constexpr const char* kAnnotationCacheSources = "penstock.dev/cache-sources";
// Only of a pod that makes anew what was damaged in the store: kDamaged.
inline constexpr const char* kAnnotationCacheMiss = "penstock.dev/cache-miss";
inline constexpr const char* kDamaged = "Damaged";
// The locks that it runs under (plan/locks/held_locks.h), JSON; where there are none it is not
// there.
inline constexpr const char* kAnnotationLocks = "penstock.dev/locks";
// The step's name where it is no label value, and the run's.
inline constexpr const char* kAnnotationRun = "penstock.dev/run";
// On a PipelineRun that is an attempt of another's step: of that run, and of the one above all.
inline constexpr const char* kLabelParentUid = "penstock.dev/parent-uid";
inline constexpr const char* kLabelRootUid = "penstock.dev/root-uid";
// The names of the containers that run in turn, in their order, JSON; of one alone it is not there.
inline constexpr const char* kAnnotationContainers = "penstock.dev/containers";
inline constexpr const char* kStepContainer = "step";
inline constexpr const char* kTurnPrefix = "step-";  // of one of several in turn
inline constexpr const char* kSidecarPrefix = "sidecar-";
inline constexpr const char* kInstallContainer = "install";  // the init container

}  // namespace penstock::plan
