// Argo CD's application controller or its repository server, and what both keep in memory: the parts that bring a Git
// repository's manifests into a cluster and judge how they do, without the page, its API and a Redis of its own.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/spf13/cobra"
)

func cache() *cobra.Command {
	return &cobra.Command{
		Use: "cache ADDRESS", Short: "what the others keep in Redis, in memory", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			redis := miniredis.NewMiniRedis()
			if err := redis.StartAddr(args[0]); err != nil {
				return err
			}
			for range time.Tick(time.Second) { // its keys expire by a clock that stands still otherwise
				redis.FastForward(time.Second)
			}
			return nil
		},
	}
}

func main() {
	root := &cobra.Command{Use: "argocd", SilenceUsage: true}
	root.AddCommand(controller.NewCommand(), reposerver.NewCommand(), cache())
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
