# The hostile half of the suite storm, in a pod: sources that drip a byte a second, one server a port, and connections to
# the gateway that say nothing.   usage: perl storm_client.pl FIRST_PORT PORTS GATEWAY_HOST GATEWAY_PORT CONNECTIONS
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($first, $ports, $host, $gateway, $wanted) = @ARGV;
$SIG{PIPE} = 'IGNORE';
my ($listeners, $clients, $idle) = (IO::Select->new, IO::Select->new, IO::Select->new);
for my $port ($first .. $first + $ports - 1) {
    my $listener = IO::Socket::INET->new(LocalPort => $port, Listen => 64, ReuseAddr => 1) or die "port $port: $!";
    $listeners->add($listener);
}
$| = 1;
print "ready\n";
my ($opened, $dripped) = (0, 0);
for (my $turn = 0; ; ++$turn) {
    # what came in within a second, without a wait for one that is slow
    my $until = time + 1;
    while (time < $until) {
        my @ready = IO::Select->new($listeners->handles, $idle->handles)->can_read(0.2);
        for my $socket (@ready) {
            if ($listeners->exists($socket)) {
                my $client = $socket->accept or next;
                $client->blocking(0);
                $client->syswrite("HTTP/1.1 200 OK\r\nX-Drip: ");
                $clients->add($client);
            } elsif (!$socket->sysread(my $bytes, 4096)) {    # the gateway closed it
                $idle->remove($socket);
                close $socket;
            }
        }
    }
    for my $client ($clients->handles) {
        if (defined $client->syswrite('x')) { ++$dripped; next }
        $clients->remove($client);
        close $client;
    }
    for (1 .. $wanted - $idle->count) {
        my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $gateway, Timeout => 1) or last;
        $socket->blocking(0);
        $idle->add($socket);
        ++$opened;
    }
    printf "%d dripped to %d clients, %d connections opened, %d open\n", $dripped, $clients->count, $opened, $idle->count if $turn % 10 == 0;
}
