/*
 * Workers that die: one is stopped behind every write to the memory, as if it
 * were killed there, and many are killed anywhere.
 */

#define _GNU_SOURCE

#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ledgers.h"


#define LIMITS   5
#define WORKERS  4
#define KILLS    120
#define TENANTS  3
#define CHARGE   7
#define OTHER    NGX_COMET_OWNERS_MAX     /* the last to be asked for */


static const struct {
    ngx_comet_limit_e  kind;
    const char        *text;
    unsigned           held;
} kinds[LIMITS] = {
    { RATE, "600000r/m", 0 },
    { TOKENS, "1000/s", 1 },
    { CALLS, "9", 1 },
    { BUDGET, "1m/30d", 1 },
    { SPEND, "0.000001/day", 1 },
};


typedef struct {
    uint64_t                   admitted[TENANTS];
    uint64_t                   settled[TENANTS];      /* of tokens */
    uint64_t                   spent[TENANTS];        /* of the budget */
    uint64_t                   done;
    ngx_comet_ledger_memory_t  memory;
    ngx_comet_limit_t          limits[LIMITS];
    ngx_comet_ref_t            refs[TENANTS][LIMITS];
    uint64_t                   clock;
    arena_t                    arena;
} shared_t;


static shared_t  *shared, *copy_of;


static int
setup(void **state)
{
    size_t  i, k;

    (void) state;

    shared = mmap(NULL, sizeof(shared_t), PROT_READ|PROT_WRITE,
                  MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);

    copy_of = calloc(1, sizeof(shared_t));
    assert_non_null(copy_of);

    ledger_on(&shared->memory, &shared->arena);

    for (i = 0; i < LIMITS; i++) {
        assert_int_equal(parse(&shared->limits[i], kinds[i].kind,
                               kinds[i].text), 0);
    }

    shared->limits[0].capacity = 100;
    shared->clock = 1000000;

    for (k = 0; k < TENANTS; k++) {
        for (i = 0; i < LIMITS; i++) {
            ref_named(&shared->refs[k][i], (uint32_t) (100 * k + i));
            shared->refs[k][i].id[0] = (unsigned char) k;
        }
    }

    ngx_comet_ledger_begin(&shared->memory);

    for (k = 0; k < TENANTS; k++) {
        for (i = 0; i < LIMITS; i++) {
            assert_int_equal(ngx_comet_ledger_ref(&shared->memory,
                                                  &shared->refs[k][i], NULL),
                             0);
        }
    }

    ngx_comet_ledger_end(&shared->memory);

    return 0;
}


static int
teardown(void **state)
{
    (void) state;

    munmap(shared, sizeof(shared_t));
    free(copy_of);

    return 0;
}


/* what each entry really took is its amount */

static void
settle(const ngx_comet_clock_t *clock, ngx_comet_call_t *call,
    ngx_comet_entry_t *entries, uint64_t amount)
{
    size_t  i;

    for (i = 0; i < LIMITS; i++) {
        entries[i].amount = kinds[i].kind == RATE || kinds[i].kind == CALLS
                            ? 0 : amount;
    }

    ngx_comet_ledger_settle(&shared->memory, clock, call, entries, LIMITS);
}


static void
ask(ngx_comet_entry_t *entries, size_t tenant, uint64_t amount)
{
    size_t  i;

    memset(entries, 0, LIMITS * sizeof(ngx_comet_entry_t));

    for (i = 0; i < LIMITS; i++) {
        entries[i].limit = &shared->limits[i];
        entries[i].ref = &shared->refs[tenant][i];
        entries[i].held = kinds[i].held;
        entries[i].amount = kinds[i].kind == RATE || kinds[i].kind == CALLS
                            ? 1 : amount;
    }
}


/* as the kernel does it for one that has died */

static void
break_locks(void)
{
    size_t  i;

    for (i = 0; i < NGX_COMET_SHARDS; i++) {
        assert_int_equal(ngx_comet_lock_create(
                             &shared->memory.ledger->locks[i]), 0);
    }

    assert_int_equal(ngx_comet_lock_create(&shared->memory.ledger->lock), 0);
}


/* the first worker, all that it does, from the first page of calls on */

static void
step_one(void)
{
    ngx_comet_call_t   *call;
    ngx_comet_entry_t   entries[LIMITS];
    ngx_comet_clock_t   clock;

    clock.wall = 1700000000;
    clock.steady = shared->clock + 1;

    memset(&kept, 0, sizeof(kept));

    call = NULL;
    ask(entries, 0, 10);

    (void) ngx_comet_ledger_admit(&shared->memory, &clock, 1, &call, entries,
                                  2, 0);
    (void) ngx_comet_ledger_admit(&shared->memory, &clock, 1, &call,
                                  entries + 2, 3, 0);

    clock.steady += 2;

    settle(&clock, call, entries, CHARGE);
}


static int
first_is_dead(uint32_t owner, uint64_t pid)
{
    (void) pid;

    return owner == 1;
}


static int
first_is_dead_now(uint32_t owner, uint64_t pid)
{
    if (owner == OTHER) {
        raise(SIGSTOP);
    }

    return first_is_dead(owner, pid);
}


static void
step_recover(void)
{
    (void) ngx_comet_ledger_recover(&shared->memory, first_is_dead_now);
}


/*
 * What must hold behind every write: the calls of others are what is left,
 * and nobody has been given anything.
 */

static void
check_crash(uint64_t live)
{
    size_t               i;
    ngx_comet_level_t   *level;

    /* others go on before anyone has noticed */

    for (i = 1; i < LIMITS; i++) {
        level = &shared->refs[0][i].counter->level;

        assert_true(level->reserved <= live * 10 + 20);
        assert_true(level->used <= CHARGE * 4 * SECOND);
    }

    (void) ngx_comet_ledger_recover(&shared->memory, first_is_dead);

    assert_int_equal(check_ledger(&shared->memory), live);

    for (i = 1; i < LIMITS; i++) {
        level = &shared->refs[0][i].counter->level;
        assert_int_equal(level->reserved, live * (kinds[i].kind == CALLS
                                                  ? 1 : 10));
    }
}


/* what happens between the death of a worker and the count */

static void
go_on(ngx_comet_call_t *live, const ngx_comet_entry_t *held)
{
    size_t              i;
    ngx_comet_call_t   *call;
    ngx_comet_entry_t   more[LIMITS], entries[LIMITS];
    ngx_comet_clock_t   clock;

    clock.wall = 1700000000;
    clock.steady = shared->clock + 5;

    if (live) {
        memcpy(entries, held, sizeof(entries));
        settle(&clock, live, entries, 0);
    }

    for (i = 1; i < LIMITS; i++) {
        assert_true(shared->refs[0][i].counter->level.reserved <= 100);
    }

    call = NULL;
    ask(more, 0, 10);

    assert_int_equal(ngx_comet_ledger_admit(&shared->memory, &clock, OTHER,
                                            &call, more, LIMITS, 0),
                     NGX_COMET_ADMITTED);

    for (i = 1; i < LIMITS; i++) {
        assert_true(shared->refs[0][i].counter->level.reserved <= 100);
    }

    check_crash(1);

    settle(&clock, call, more, 0);
    assert_int_equal(check_ledger(&shared->memory), 0);
}


static void
run_traced(void (*work)(void))
{
    memset(&kept, 0, sizeof(kept));

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1) {
        _exit(77);
    }

    if (work == step_one) {
        raise(SIGSTOP);
    }

    work();
    shared->done = 1;
    _exit(0);
}


/* all that is in use */

static size_t
extent(void)
{
    return offsetof(shared_t, arena.memory) + shared->arena.used;
}


/* stops behind every instruction, checks where one has written */

static size_t
run_stepwise(void (*work)(void), int others)
{
    int                 status;
    pid_t               pid;
    size_t              writes, size;
    uint64_t            live;
    ngx_comet_call_t   *call;
    ngx_comet_kept_t    own;
    ngx_comet_entry_t   entries[LIMITS];
    ngx_comet_clock_t   clock;

    live = 0;
    call = NULL;
    clock.wall = 1700000000;
    clock.steady = shared->clock;

    shared->done = 0;
    shared->memory.ledger->owners[0] = 100;
    shared->memory.ledger->owners[OTHER - 1] = 200;

    if (others) {
        ask(entries, 0, 10);
        assert_int_equal(ngx_comet_ledger_admit(&shared->memory, &clock, OTHER,
                                                &call, entries, LIMITS, 0),
                         NGX_COMET_ADMITTED);
        live = 1;
    }

    pid = fork();
    assert_true(pid != -1);

    if (pid == 0) {
        run_traced(work);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);

    if (!WIFSTOPPED(status)) {
        assert_int_equal(WEXITSTATUS(status), 77);
        return 0;
    }

    own = kept;
    memcpy(copy_of, shared, extent());

    for (writes = 0; /* void */ ; /* void */) {

        /* when it has counted, it only looks for more that are dead */

        assert_int_equal(ptrace(shared->memory.ledger->owners[0]
                                ? PTRACE_SINGLESTEP : PTRACE_CONT,
                                pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);

        if (!WIFSTOPPED(status)) {
            break;
        }

        assert_int_equal(WSTOPSIG(status), SIGTRAP);

        size = extent();

        if (memcmp(copy_of, shared, size) == 0) {
            continue;
        }

        writes++;
        memcpy(copy_of, shared, size);

        break_locks();
        check_crash(live);
        memcpy(shared, copy_of, size);

        break_locks();
        go_on(call, entries);
        memcpy(shared, copy_of, size);
        kept = own;
    }

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(shared->done, 1);

    if (live) {
        settle(&clock, call, entries, 0);
    }

    return writes;
}


static void
test_every_write(void **state)
{
    size_t  writes;

    (void) state;

    /* with no page of calls, then with one in use, then beside another */

    writes = run_stepwise(step_one, 0);

    if (writes == 0) {
        print_message("processes cannot be traced here\n");
        skip();
    }

    assert_true(writes > 40);
    assert_true(run_stepwise(step_one, 0) > 20);
    assert_true(run_stepwise(step_one, 1) > 20);

    /* the one who counts dies of it */

    assert_true(run_stepwise(step_recover, 1) > 5);
}


typedef struct {
    ngx_comet_call_t   *call;
    ngx_comet_entry_t   entries[LIMITS];
    size_t              tenant;
    size_t              payer;            /* another one now and then */
    uint64_t            amount;
} job_t;


static void
begin(job_t *job, uint32_t owner, const ngx_comet_clock_t *clock)
{
    size_t             i;
    ngx_comet_entry_t  entries[LIMITS];

    job->tenant = any(TENANTS);
    job->payer = any(4) ? job->tenant : any(TENANTS);
    job->amount = 1 + any(50);

    ask(job->entries, job->tenant, job->amount);
    ask(entries, job->payer, job->amount);

    for (i = 3; i < LIMITS; i++) {
        job->entries[i] = entries[i];
    }

    if (ngx_comet_ledger_admit(&shared->memory, clock, owner, &job->call,
                               job->entries, LIMITS, 0)
        == NGX_COMET_ADMITTED)
    {
        __atomic_add_fetch(&shared->admitted[job->tenant], 1,
                           __ATOMIC_RELAXED);
    }
}


static void
end(job_t *job, const ngx_comet_clock_t *clock)
{
    uint64_t  taken;

    taken = any(job->amount + 1);

    settle(clock, job->call, job->entries, taken);
    job->call = NULL;

    __atomic_add_fetch(&shared->settled[job->tenant], taken, __ATOMIC_RELAXED);
    __atomic_add_fetch(&shared->spent[job->payer], taken, __ATOMIC_RELAXED);
}


/* admits and settles until it is killed */

static void
hammer(uint32_t owner, uint64_t random)
{
    job_t               jobs[8], *job;
    ngx_comet_clock_t   clock;

    seed = random;
    memset(jobs, 0, sizeof(jobs));
    memset(&kept, 0, sizeof(kept));
    clock.wall = 1700000000;

    for ( ;; ) {
        job = &jobs[any(8)];

        clock.steady = __atomic_add_fetch(&shared->clock, any(3) == 0,
                                          __ATOMIC_RELAXED);

        if (job->call == NULL) {
            begin(job, owner, &clock);

        } else {
            end(job, &clock);
        }

        __atomic_add_fetch(&shared->done, 1, __ATOMIC_RELAXED);
    }
}


static uint64_t
load_of(const uint64_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}


/* a while in which they have done something */

static void
let_them_work(void)
{
    uint64_t         until;
    struct timespec  nap;

    until = load_of(&shared->done) + 20 + any(200);

    do {
        nap.tv_sec = 0;
        nap.tv_nsec = 1000 + (long) any(2000000);
        nanosleep(&nap, NULL);

    } while (load_of(&shared->done) < until);
}


static pid_t  workers[WORKERS];


static int
is_gone(uint32_t owner, uint64_t pid)
{
    return workers[owner - 1] != (pid_t) pid;
}


static void
start_worker(uint32_t owner)
{
    pid_t  pid;

    pid = fork();
    assert_true(pid != -1);

    if (pid == 0) {
        hammer(owner, 1 + any(1ULL << 50));
        _exit(2);
    }

    workers[owner - 1] = pid;
    shared->memory.ledger->owners[owner - 1] = (uint64_t) pid;
}


/* what was admitted and charged in all is never more than there was */

static void
check_levels(void)
{
    size_t              i, k;
    uint64_t            elapsed;
    ngx_comet_level_t  *level;

    elapsed = load_of(&shared->clock) - 1000000;

    for (k = 0; k < TENANTS; k++) {

        for (i = 0; i < LIMITS; i++) {
            level = &shared->refs[k][i].counter->level;

            if (shared->limits[i].span == BUCKET) {
                assert_true(level->used <= shared->limits[i].capacity
                                           * shared->limits[i].period);
                assert_true(level->since <= load_of(&shared->clock));

            } else {
                assert_true(level->used + level->reserved
                            <= shared->limits[i].capacity);
            }
        }

        level = &shared->refs[k][3].counter->level;

        /* what was charged is told a moment later, or not any more */

        assert_true(level->used >= load_of(&shared->spent[k]));
        assert_true(level->used <= load_of(&shared->spent[k])
                                   + (KILLS + WORKERS) * 50);

        /* 10 each millisecond, 100 at once */

        assert_true(load_of(&shared->admitted[k]) <= 100 + 10 * elapsed);

        /* 1 each millisecond, 1000 at once */

        assert_true(load_of(&shared->settled[k]) <= 1000 + elapsed);
    }
}


/* nothing that the dead had stays locked */

static void
recover_and_check(void)
{
    assert_int_equal(ngx_comet_ledger_timedlock(shared->memory.ledger, 60000),
                     0);

    (void) ngx_comet_ledger_recover(&shared->memory, is_gone);

    check_ledger(&shared->memory);
    check_levels();

    ngx_comet_ledger_unlock(shared->memory.ledger);
}


static void
kill_worker(uint32_t owner)
{
    int  status;

    assert_int_equal(kill(workers[owner - 1], SIGKILL), 0);
    assert_int_equal(waitpid(workers[owner - 1], &status, 0),
                     workers[owner - 1]);
    assert_true(WIFSIGNALED(status));

    workers[owner - 1] = 0;
}


static void
test_killed(void **state)
{
    size_t    i, k;
    uint32_t  owner;

    (void) state;

    seed = 0xdead;

    for (owner = 1; owner <= WORKERS; owner++) {
        start_worker(owner);
    }

    for (i = 0; i < KILLS; i++) {

        let_them_work();

        owner = 1 + (uint32_t) any(WORKERS);

        /* the others go on meanwhile */

        kill_worker(owner);
        recover_and_check();

        assert_int_equal(shared->memory.ledger->owners[owner - 1], 0);

        start_worker(owner);
    }

    for (owner = 1; owner <= WORKERS; owner++) {
        kill_worker(owner);
    }

    recover_and_check();

    assert_int_equal(check_ledger(&shared->memory), 0);
    assert_true(shared->memory.ledger->lost <= (KILLS + WORKERS) * 8);

    for (k = 0; k < TENANTS; k++) {
        assert_true(shared->admitted[k] > 0);
        assert_true(shared->settled[k] > 0);

        for (i = 0; i < LIMITS; i++) {
            assert_int_equal(shared->refs[k][i].counter->level.reserved, 0);
        }
    }
}


/* a lock is its owner's while it lives, and anybody's when it has died */

static void
test_stopped(void **state)
{
    int     status;
    pid_t   pid;
    size_t  i;

    (void) state;

    for (i = 0; i <= NGX_COMET_SHARDS; i += 32) {

        pid = fork();
        assert_true(pid != -1);

        if (pid == 0) {
            ngx_comet_lock(i < NGX_COMET_SHARDS
                           ? &shared->memory.ledger->locks[i]
                           : &shared->memory.ledger->lock);
            raise(SIGSTOP);
            _exit(2);
        }

        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        assert_true(WIFSTOPPED(status));

        /* whoever waits in vain has none of the others, either */

        assert_int_equal(ngx_comet_ledger_timedlock(shared->memory.ledger, 1),
                         -1);
        assert_int_equal(ngx_comet_ledger_timedlock(shared->memory.ledger, 1),
                         -1);

        /* it is let go of with the process, before anybody has waited for it */

        assert_int_equal(kill(pid, SIGKILL), 0);
        ngx_comet_ledger_lock(shared->memory.ledger);
        ngx_comet_ledger_unlock(shared->memory.ledger);

        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_every_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopped, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
