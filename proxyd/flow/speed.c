/* speed: the bucket that leaks in time (a generic cell rate). */
#include "proxyd/flow/speed.h"

int64_t speed_wait_us(const _Atomic int64_t *next_us, int64_t now_us)
{
    int64_t next = atomic_load_explicit(next_us, memory_order_relaxed);
    int64_t ahead = next - now_us - SPEED_BURST_US;
    return ahead > 0 ? ahead : 0;
}

void speed_pay(_Atomic int64_t *next_us, uint64_t bytes_s, uint64_t n, int64_t now_us)
{
    int64_t price = (int64_t)((double)n * 1e6 / (double)bytes_s);
    int64_t was = atomic_load_explicit(next_us, memory_order_relaxed), next;
    do {
        next = (was > now_us ? was : now_us) + price;
    } while (!atomic_compare_exchange_weak_explicit(next_us, &was, next, memory_order_relaxed,
                                                    memory_order_relaxed));
}
