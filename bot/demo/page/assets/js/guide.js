// The first minute: five steps along the main job.

export function start() {}
