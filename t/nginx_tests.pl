# Runs the tests of nginx in this folder, without the module and with it, and
# compares; called by t/nginx_tests.sh.
#
#   perl nginx_tests.pl OBJS

use strict;
use warnings;

use TAP::Harness;

my $objs = shift;

$ENV{TEST_NGINX_BINARY} = "$objs/nginx";
$ENV{TEST_NGINX_MODULES} = $objs;

# the module has policy everywhere and no location to apply it to; no key stands
# in it, for dumps do not show keys and a test compares dumps
my $hash = "5e" x 32;
my %module = (
    without => {},
    with => {
        TEST_NGINX_GLOBALS => "load_module $objs/ngx_comet_module.so;\n",
        TEST_NGINX_GLOBALS_HTTP => "
            comet_zone     comet:1m;
            comet_models   gpt-*;
            comet_rate     1r/m;
            comet_invalid  reject;
            comet_tenant   acme { comet_client_key sha256:$hash; }
        ",
    },
);

# complaints about the files: {file}{complaint}
sub run {
    my ($kind, $jobs, @files) = @_;
    my %said;

    my $env = $module{$kind};
    local @ENV{keys %$env} = values %$env;

    my $harness = TAP::Harness->new({
        jobs => $jobs, merge => 1, verbosity => -3
    });

    $harness->callback(made_parser => sub {
        my ($parser, $job) = @_;

        $parser->callback(test => sub {
            my $test = shift;
            $said{$job->[0]}{$test->number . " " . $test->description} = 1
                unless $test->is_ok;
        });
    });

    my $all = $harness->runtests(@files);

    for my $file (@files) {
        my ($parser) = $all->parsers($file);
        my $skipped = $parser->skip_all;

        $said{$file}{"skipped: $skipped"} = 1 if defined $skipped;
        $said{$file}{$_} = 1 for $parser->parse_errors;
        $said{$file}{"exit " . $parser->exit} = 1
            if $parser->has_problems && !$said{$file};
    }

    return \%said;
}

$| = 1;
my @all = sort glob("*.t");
my @files = @all;
my (%said, %runs, %skipped);

# what failed runs again, alone: a complaint counts that is always heard in one
# kind of run, and never in the other
for my $round (1 .. 3) {
    my %failed;

    for my $kind ("without", "with") {
        print scalar @files . " files $kind the module\n" if @files;
        my $said = run($kind, $round == 1 ? 4 : 1, @files);

        for my $file (keys %$said) {
            $said{$file}{$_}{$kind}++ for keys %{$said->{$file}};
            $failed{$file} = 1;
        }
    }

    $runs{$_}++ for @files;

    for my $file (keys %failed) {
        next if grep { !/^skipped/ || 2 != keys %{$said{$file}{$_}} }
                     keys %{$said{$file}};
        $skipped{$file} = 1;
        delete $failed{$file};
    }

    @files = sort keys %failed;
}

my %found;

for my $file (sort keys %said) {
    next if $skipped{$file};

    for my $complaint (sort keys %{$said{$file}}) {
        my $by = $said{$file}{$complaint};
        my @always = grep { $by->{$_} == $runs{$file} } sort keys %$by;

        next unless @always;
        push @{$found{2 == keys %$by ? "both" : $always[0]}{$file}}, $complaint;
    }
}

my @titles = (
    [ both => "fail with the module and without" ],
    [ without => "fail only without the module" ],
    [ with => "fail only with the module" ],
);

for (@titles) {
    my ($kind, $title) = @$_;
    my $files = $found{$kind} || {};

    printf "%d files %s\n", scalar keys %$files, $title;

    for my $file (sort keys %$files) {
        print "  $file: $_\n" for @{$files->{$file}};
    }
}

printf "%d files, %d skipped\n", scalar @all, scalar keys %skipped;

exit($found{with} ? 1 : 0);
