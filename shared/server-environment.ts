/**
 * What the server's process is started with beside its client's environment. glibc's allocator keeps what the indexing
 * threads have freed, a hundred megabytes and more, unless it is told not to; other systems take no notice.
 */
export const SERVER_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "32768",
  MALLOC_TRIM_THRESHOLD_: "131072",
};
