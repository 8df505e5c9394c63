{{- define "penstock.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "penstock.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "penstock.labels" -}}
{{ include "penstock.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "penstock.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}{{ default (include "penstock.fullname" .) .Values.serviceAccount.name }}{{- else -}}{{ default "default" .Values.serviceAccount.name }}{{- end -}}
{{- end -}}

{{- /* penstock.image (list . "operator"): the image's full name, by digest where one is given */ -}}
{{- define "penstock.image" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- $digest := index $root.Values.image.digests $name -}}
{{- if $digest -}}{{ $root.Values.image.registry }}/{{ $name }}@{{ $digest }}{{- else -}}{{ $root.Values.image.registry }}/{{ $name }}:{{ default $root.Chart.AppVersion $root.Values.image.tag }}{{- end -}}
{{- end -}}

{{- define "penstock.sessionSecret" -}}
{{- default (printf "%s-session" (include "penstock.fullname" .)) .Values.people.sessions.keySecret -}}
{{- end -}}

{{- /* The authorities that people.oidc and people.clientCertificates name, as entries of a ConfigMap; empty: none. */ -}}
{{- define "penstock.peopleCa" -}}
{{- if and .Values.people.oidc.issuerUrl .Values.people.oidc.ca }}
oidc-ca.crt: | {{- .Values.people.oidc.ca | nindent 2 }}
{{- end }}
{{- if and .Values.people.clientCertificates.enabled .Values.people.clientCertificates.ca }}
client-ca.crt: | {{- .Values.people.clientCertificates.ca | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* The rules that the operator needs of the cluster: whose a token is, and whether the policy for Approvals is in force. */ -}}
{{- define "penstock.clusterRules" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
# what the callers of the API may do: they read by the operator's account, once the API server has said that they may
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
- apiGroups: [admissionregistration.k8s.io]
  resources: [validatingadmissionpolicies, validatingadmissionpolicybindings]
  verbs: [get]
# its UID tells this cluster from others: the collection of artifacts asks whose a store is
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: [kube-system]
  verbs: [get]
{{- end -}}

{{- /* For whom the gateway acts (people.act); empty: for nobody but by his own token. */ -}}
{{- define "penstock.actingRules" -}}
{{- with .Values.people.act }}
{{- if .enabled }}
# who logged in or showed a certificate acts under his own name and with his own rights
- apiGroups: [""]
  resources: [users]
  {{- with .users }}
  resourceNames: {{- toYaml . | nindent 2 }}
  {{- end }}
  verbs: [impersonate]
- apiGroups: [""]
  resources: [groups]
  {{- with .groups }}
  resourceNames: {{- toYaml . | nindent 2 }}
  {{- end }}
  verbs: [impersonate]
{{- end }}
{{- end }}
{{- end -}}

{{- /* The rules that the operator needs in each namespace it looks after. */ -}}
{{- define "penstock.rules" -}}
- apiGroups: [penstock.dev]
  resources: [pipelines, pipelineruns, components, modeldeployments, approvals, models, modelversions]
  verbs: [get, list, watch]
- apiGroups: [penstock.dev]
  resources: [pipelineruns]
  verbs: [create, patch, delete]
# what a Pipeline registers (spec.registers)
- apiGroups: [penstock.dev]
  resources: [modelversions]
  verbs: [create]
- apiGroups: [penstock.dev]
  resources: [pipelines/status, pipelineruns/status, modeldeployments/status]
  verbs: [update, patch]
- apiGroups: [penstock.dev]
  resources: [pipelines/finalizers, pipelineruns/finalizers, modeldeployments/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, patch]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [penstock-locks]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, create]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
# the routers of a namespace; the role that they get is within what stands here
- apiGroups: [""]
  resources: [serviceaccounts]
  resourceNames: [penstock-router]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  resourceNames: [penstock-router]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  resourceNames: [penstock-router]
  verbs: [watch]
# of the routers, and of a model's servers where nobody else has made one for them
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, create, patch, delete]
# from a Gateway to a model (expose.gateway); not every cluster has them
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, watch, create, delete]
- apiGroups: [events.k8s.io, ""]
  resources: [events]
  verbs: [create, patch]
# what the API shows of a step, and what is kept of its log when its pod goes
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [list]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
{{- end -}}

{{- /* Not empty where an OpenLineage server is told and asks for a token. */ -}}
{{- define "penstock.lineageKey" -}}
{{- if and .Values.openlineage.url .Values.openlineage.apiKeySecret.name -}}true{{- end -}}
{{- end -}}

{{- /* Not empty where history is kept on a PostgreSQL server. */ -}}
{{- define "penstock.postgres" -}}
{{- if .Values.metadata.postgres.secretRef.name -}}true{{- end -}}
{{- end -}}

{{- /* Not empty where artifacts stand in buckets. */ -}}
{{- define "penstock.hasStores" -}}
{{- if or .Values.stores.default .Values.stores.namespaces -}}true{{- end -}}
{{- end -}}

{{- /* penstock.store (list "default" $store): a store as the operator reads it, its files where the pod has them. */ -}}
{{- define "penstock.store" -}}
{{- $name := index . 0 -}}{{- $store := index . 1 -}}
{{- $out := omit $store "secret" "ca" -}}
{{- if $store.secret -}}{{- $_ := set $out "credentials" (printf "/etc/penstock/keys/%s" $name) -}}{{- end -}}
{{- if $store.ca -}}{{- $_ := set $out "caFile" (printf "/etc/penstock/stores/%s.crt" $name) -}}{{- end -}}
{{- if $store.role -}}{{- $_ := set $out "tokenFile" "/var/run/secrets/penstock/sts/token" -}}{{- end -}}
{{- toJson $out -}}
{{- end -}}

{{- /* The quotas that say something: "10Gi", "team-a=1Ti". */ -}}
{{- define "penstock.quotas" -}}
{{- $all := list -}}
{{- if ne (toString .Values.store.quota.default) "0" -}}{{- $all = append $all .Values.store.quota.default -}}{{- end -}}
{{- range $ns, $amount := .Values.store.quota.namespaces -}}{{- $all = append $all (printf "%s=%s" $ns $amount) -}}{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{- /* All stores by name: "default", and "ns-<namespace>". */ -}}
{{- define "penstock.stores" -}}
{{- $all := dict -}}
{{- with .Values.stores.default -}}{{- $_ := set $all "default" . -}}{{- end -}}
{{- range $ns, $store := .Values.stores.namespaces -}}{{- $_ := set $all (printf "ns-%s" $ns) $store -}}{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{- define "penstock.storesFile" -}}
{{- $namespaces := dict -}}
{{- range $ns, $store := .Values.stores.namespaces -}}
{{- $_ := set $namespaces $ns (include "penstock.store" (list (printf "ns-%s" $ns) $store) | fromJson) -}}
{{- end -}}
{{- $file := dict "namespaces" $namespaces -}}
{{- with .Values.stores.default -}}{{- $_ := set $file "default" (include "penstock.store" (list "default" .) | fromJson) -}}{{- end -}}
{{- toPrettyJson $file -}}
{{- end -}}
