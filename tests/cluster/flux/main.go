// What Flux's kustomize-controller does with the manifests of a commit, by its own libraries: applies them server-side,
// tells what it changed, and waits until kstatus calls each of them current or failed.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

func manager(config *rest.Config) (*ssa.ResourceManager, error) {
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, transport)
	if err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Mapper: mapper})
	if err != nil {
		return nil, err
	}
	owner := ssa.Owner{Field: "kustomize-controller", Group: "kustomize.toolkit.fluxcd.io"}
	return ssa.NewResourceManager(c, polling.NewStatusPoller(c, mapper, polling.Options{}), owner), nil
}

// Applies what stands on standard input; prints a line an object. Waits where a time is given.
func run(timeout time.Duration) error {
	objects, err := utils.ReadObjects(os.Stdin)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	m, err := manager(config)
	if err != nil {
		return err
	}
	m.SetOwnerLabels(objects, "tested", "flux-system")
	changes, err := m.ApplyAllStaged(context.Background(), objects, ssa.DefaultApplyOptions())
	if err != nil {
		return err
	}
	for _, entry := range changes.Entries {
		fmt.Println(entry.Subject, entry.Action)
	}
	if timeout == 0 {
		return nil
	}
	return m.WaitForSet(changes.ToObjMetadataSet(), ssa.WaitOptions{Interval: time.Second, Timeout: timeout, FailFast: true})
}

func main() {
	timeout, err := time.ParseDuration(os.Args[1])
	if err == nil {
		err = run(timeout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
