// The kinds that Penstock reads and writes.
#pragma once

#include "operator/kube/client.h"

namespace penstock::kube {

inline constexpr ResourceType kPods{"", "v1", "pods", "Pod"};
inline constexpr ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap"};
inline constexpr ResourceType kPersistentVolumeClaims{"", "v1", "persistentvolumeclaims",
                                                      "PersistentVolumeClaim"};
inline constexpr ResourceType kSecrets{"", "v1", "secrets", "Secret"};
inline constexpr ResourceType kServices{"", "v1", "services", "Service"};
inline constexpr ResourceType kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline constexpr ResourceType kNodes{"", "v1", "nodes", "Node", false};
inline constexpr ResourceType kServiceAccounts{"", "v1", "serviceaccounts", "ServiceAccount"};
inline constexpr ResourceType kDeployments{"apps", "v1", "deployments", "Deployment"};
inline constexpr ResourceType kControllerRevisions{"apps", "v1", "controllerrevisions",
                                                   "ControllerRevision"};
inline constexpr ResourceType kEvents{"events.k8s.io", "v1", "events", "Event"};
inline constexpr ResourceType kLeases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline constexpr ResourceType kEndpointSlices{"discovery.k8s.io", "v1", "endpointslices",
                                              "EndpointSlice"};
inline constexpr ResourceType kRoles{"rbac.authorization.k8s.io", "v1", "roles", "Role"};
inline constexpr ResourceType kRoleBindings{"rbac.authorization.k8s.io", "v1", "rolebindings",
                                            "RoleBinding"};
inline constexpr ResourceType kDisruptionBudgets{"policy", "v1", "poddisruptionbudgets",
                                                 "PodDisruptionBudget"};
// Not every cluster has them.
inline constexpr ResourceType kHTTPRoutes{"gateway.networking.k8s.io", "v1", "httproutes",
                                          "HTTPRoute"};
inline constexpr ResourceType kTokenReviews{"authentication.k8s.io", "v1", "tokenreviews",
                                            "TokenReview", false};
inline constexpr ResourceType kSubjectAccessReviews{
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false};
inline constexpr ResourceType kSelfSubjectReviews{"authentication.k8s.io", "v1",
                                                  "selfsubjectreviews", "SelfSubjectReview", false};
inline constexpr ResourceType kAdmissionPolicies{"admissionregistration.k8s.io", "v1",
                                                 "validatingadmissionpolicies",
                                                 "ValidatingAdmissionPolicy", false};
inline constexpr ResourceType kAdmissionPolicyBindings{"admissionregistration.k8s.io", "v1",
                                                       "validatingadmissionpolicybindings",
                                                       "ValidatingAdmissionPolicyBinding", false};

inline constexpr std::string_view kPenstockGroup = "penstock.dev";
inline constexpr ResourceType kPipelines{kPenstockGroup, "v1alpha1", "pipelines", "Pipeline"};
inline constexpr ResourceType kPipelineRuns{kPenstockGroup, "v1alpha1", "pipelineruns",
                                            "PipelineRun"};
inline constexpr ResourceType kComponents{kPenstockGroup, "v1alpha1", "components", "Component"};
inline constexpr ResourceType kApprovals{kPenstockGroup, "v1alpha1", "approvals", "Approval"};
inline constexpr ResourceType kModelDeployments{kPenstockGroup, "v1alpha1", "modeldeployments",
                                                "ModelDeployment"};
inline constexpr ResourceType kModels{kPenstockGroup, "v1alpha1", "models", "Model"};
inline constexpr ResourceType kModelVersions{kPenstockGroup, "v1alpha1", "modelversions",
                                             "ModelVersion"};

}  // namespace penstock::kube
